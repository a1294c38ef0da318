import { host } from '../agent-slot.ts'
import type { WrittenFile } from '../chronicle.ts'
import { evil } from '../hostile-steps.ts'
import { judgeWholes } from '../rescue/rescue-oracle.ts'
import type { Store } from '../store.ts'
import type { World } from '../world.ts'
import { viewStreams } from './bucket-view.ts'
import { findFalseGaps, findFalseSeals, findSilentLosses } from './honest.ts'
import { findFalseForks, findMissing, findRepeated, findStrangers } from './once.ts'
import { findFalsePublished, findHostileReach } from './published.ts'

/** What the history shows that must not be, each with the name of the promise that it breaks. */
export function judge(world: World): string[] {
  const found = [...world.failures]
  for (const store of world.stores) found.push(...judgeStore(world, store).map((what) => `${store.name}: ${what}`))
  for (const server of world.servers)
    found.push(
      ...findFalsePublished(server, host, viewStreams(server.store.objects, host), world.chronicle),
      ...findHostileReach(server, evil, host, viewStreams(server.store.objects, evil)),
    )
  return found
}

function judgeStore(world: World, store: Store): string[] {
  const { chronicle } = world
  const streams = viewStreams(store.objects, host)
  return [
    ...findStrangers(chronicle, streams),
    ...findMissing(chronicle, streams, presentFiles(world)),
    ...findRepeated(chronicle, streams),
    ...findFalseForks(
      chronicle,
      streams,
      world.stores.filter((other) => other !== store).map(({ objects }) => viewStreams(objects, host)),
    ),
    ...(store.wasTurnedBack ? [] : [...findSilentLosses(chronicle, streams), ...findFalseSeals(streams)]),
    ...findFalseGaps(chronicle, streams),
    ...judgeWholes(world, store),
  ]
}

/** What is not delivered (yet), of all stores. */
export function missing(world: World, stores: readonly Store[] = world.stores): string[] {
  return stores.flatMap((store) => [
    ...findMissing(world.chronicle, viewStreams(store.objects, host), presentFiles(world)),
    ...(world.rescue?.missing(store) ?? []),
  ])
}

/** Files of machines with a running agent that its sources name. */
function presentFiles(world: World): [string, WrittenFile][] {
  return world.machines
    .filter((machine) => world.agentsOf(machine).some((slot) => slot.isRunning))
    .flatMap((machine) =>
      machine.files().flatMap(([path, inode]) => {
        const file = machine.chronicle.fileOf(inode)
        return file && !path.endsWith('.tmp') ? [[path, file] as [string, WrittenFile]] : []
      }),
    )
}
