import type { Chronicle } from '../chronicle.ts'
import type { ServerSlot } from '../server-slot.ts'
import { type Streams, startsWith } from './once.ts'

/** I8: what a compactor published is the chain, and only ever grew. */
export function findFalsePublished(server: ServerSlot, host: string, streams: Streams, chronicle: Chronicle): string[] {
  // The file (or its clone, or the next one with its inode) has other bytes by now, and a bucket that lost its own is
  // filled with those.
  const wasRewritten = (identity: string): boolean => {
    const files = chronicle.family(identity)
    const isRewritten = files.some(({ lives }) => lives.length > 1 || lives.some(({ versions }) => versions.length > 1))
    return isRewritten || files.filter((file) => file.identity === identity).length > 1
  }
  const found = server.changes.map((change) => `I8 changed: ${server.name}: ${change}`)
  const files = [...server.files()].filter(([path]) => path.startsWith(`${host}/`))
  for (const view of streams.values()) {
    const named = files.filter(([path]) => path.endsWith(`~${view.stream}`))
    const [file] = named
    // A bucket that was emptied may be filled again by a copy, whose origin names another path.
    if (named.length > 1 && !server.store.wasTurnedBack)
      found.push(`I8 published: ${server.name}: ${view.stream} stands there ${named.length} times`)
    const bytes = file?.[1].bytes ?? Buffer.alloc(0)
    // A bucket that was turned back may have less than was published, and goes on from there in its own way.
    const isWhole = server.store.wasTurnedBack
      ? startsWith(bytes, view.chain) || startsWith(view.chain, bytes) || wasRewritten(view.identity)
      : bytes.equals(view.chain)
    if (!isWhole)
      found.push(`I8 published: ${server.name}: ${view.stream} has ${bytes.length} B, its chain ${view.chain.length} B`)
  }
  return found
}

/** I9: what a hostile host writes is published as its own, where it is at all, and nowhere else. */
export function findHostileReach(server: ServerSlot, evil: string, honest: string, streams: Streams): string[] {
  const found: string[] = []
  for (const [path, inode] of server.files()) {
    if (path.startsWith(`${honest}/`)) continue
    if (!path.startsWith(`${evil}/`)) {
      found.push(`I9 reach: ${server.name}: ${path} is nobody's`)
      continue
    }
    const view = [...streams.values()].find(({ stream }) => path.endsWith(`~${stream}`))
    if (!server.store.wasTurnedBack && !startsWith(view?.chain ?? Buffer.alloc(0), inode.bytes))
      found.push(`I9 reach: ${server.name}: ${path} is not the beginning of what ${evil} delivered`)
  }
  return found
}
