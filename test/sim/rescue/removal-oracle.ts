import { host } from '../agent-slot.ts'
import { unpacked } from '../chronicle.ts'
import type { Machine } from '../machine.ts'
import { viewStreams } from '../oracle/bucket-view.ts'
import type { Store } from '../store.ts'
import type { World } from '../world.ts'

/** I5: nothing is deleted or moved here that one store lacks, at that very instant, by the bare objects. */
export function findEarlyRemoval(world: World, machine: Machine, path: string): void {
  const inode = machine.disk.lookUp(path, false)
  if (inode === undefined) return
  world.counts.add('housekeeping removed')
  // Where the agent's state is an older one later, it knows only that the file is gone.
  const life = machine.chronicle.fileOf(inode)?.lives.at(-1)
  if (life) life.wasGone = true
  const bytes = Buffer.from(inode.bytes)
  const wanted = [bytes, unpacked(bytes) ?? bytes]
  for (const store of world.stores)
    if (!store.wasTurnedBack && !holdsSealed(store, wanted))
      world.failures.push(
        `${store.name}: I5 removed: ${path} (${inode.identity}, ${inode.size} B) went, and is not there`,
      )
  if ([...machine.held.values()].includes(inode) && world.setup.rescue?.seesWriters)
    world.failures.push(`I6 removed: ${path} went while a process wrote to it`)
}

/** All of it is a stream there, and its seal says so. */
function holdsSealed(store: Store, wanted: readonly Buffer[]): boolean {
  return [...viewStreams(store.objects, host).values()].some(
    ({ chain, seals }) =>
      wanted.some((bytes) => chain.equals(bytes)) && seals.some(({ length }) => length === chain.length),
  )
}
