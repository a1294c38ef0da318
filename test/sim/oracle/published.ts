import type { ServerSlot } from '../server-slot.ts'
import type { Streams } from './once.ts'

/** I8: what a compactor published is the chain, and only ever grew. */
export function findFalsePublished(server: ServerSlot, host: string, streams: Streams): string[] {
  const found = server.changes.map((change) => `I8 changed: ${server.name}: ${change}`)
  const files = [...server.files()].filter(([path]) => path.startsWith(`${host}/`))
  for (const view of streams.values()) {
    const named = files.filter(([path]) => path.endsWith(`~${view.stream}`))
    const [file] = named
    if (named.length > 1) found.push(`I8 published: ${server.name}: ${view.stream} stands there ${named.length} times`)
    const bytes = file?.[1].bytes ?? Buffer.alloc(0)
    const isWhole = server.store.wasTurnedBack
      ? bytes.subarray(0, view.chain.length).equals(view.chain.subarray(0, bytes.length))
      : bytes.equals(view.chain)
    if (!isWhole)
      found.push(`I8 published: ${server.name}: ${view.stream} has ${bytes.length} B, its chain ${view.chain.length} B`)
  }
  return found
}
