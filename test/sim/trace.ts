import type { AgentEvent } from '../../src/agent/context.ts'
import type { Watcher } from './history.ts'
import type { World } from './world.ts'

/** Tells a history line by line, for whoever looks for the reason. */
export function tracing(say: (line: string) => void): Watcher {
  const at = (world: World): string => (world.clock.monotonic() / 1000).toFixed(3).padStart(9)
  return {
    onStep: (step, world) => {
      const files = world.machines.flatMap((machine) =>
        machine.files().map(([path, inode]) => `${path.split('/').at(-1)}=${inode.identity.slice(8)}:${inode.size}`),
      )
      say(`${at(world)} == ${step.do} r=${step.r} (then ${step.afterMs} ms) | before: ${files.join(' ')}`)
    },
    onEvent: (agent, event, world) => say(`${at(world)}    ${agent} ${describeEvent(event)}`),
  }
}

function describeEvent(event: AgentEvent): string {
  const { kind, ...rest } = event
  const parts: string[] = [kind]
  for (const [name, value] of Object.entries(rest)) {
    if (name === 'life') parts.push((value as { path: string } | undefined)?.path ?? '')
    else if (name === 'delivery') {
      const { destination, stream, acked } = value as {
        destination: string
        stream?: string
        acked: { offset: number }
      }
      parts.push(`→ ${destination}:${stream} @${acked.offset}`)
    } else if (value !== undefined) parts.push(`${name}=${String(value)}`)
  }
  return parts.join(' ')
}
