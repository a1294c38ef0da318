import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ended, Running } from '../scenarios/logcask-process.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { type CommandName, hitOf, killedAt, oneFileThread, pickPoint } from './named-point.ts'
import type { Site } from './site.ts'

export interface Killed extends Ended {
  /** False: it had ended by itself before. */
  isKilled: boolean
  /** The named point at which it died, as `fsync store`; undefined for one that chance chose. */
  hit: string | undefined
}

/** Starts a command and kills it. */
export type Killer = (site: Site, args: readonly string[], random: SeededRandom) => Promise<Killed>

/** By the clock. Short ones die while they start: in the probe, the listing, the first segment. */
export const byChance: Killer = async (site, args, random) => {
  const running = site.processes.start(args)
  const waitMs = random.chance(0.3) ? random.int(20, 250) : random.int(200, 1200)
  return { ...(await killAfter(running, waitMs)), hit: undefined }
}

/** At a system call. Where it is not reached in time it is killed by the clock. */
export const atNamedPoint: Killer = async (site, args, random) => {
  const trace = join(site.directory, 'trace')
  const point = pickPoint(random, args[0] as CommandName, await site.knownPaths())
  // With all of its threads, each counts for itself: points are reached later, and in other orders.
  const isSingle = random.chance(0.7)
  const nth = isSingle ? point.nth : Math.ceil(point.nth / 6)
  const running = site.processes.start(args, {
    by: killedAt({ ...point, nth }, trace),
    env: isSingle ? oneFileThread : {},
  })
  return { ...(await killAfter(running, 2_500)), hit: await hitOf(trace, nth, site.rooms) }
}

async function killAfter(running: Running, waitMs: number): Promise<Omit<Killed, 'hit'>> {
  const over = new AbortController()
  await Promise.race([sleep(waitMs, undefined, { signal: over.signal }).catch(() => {}), running.ended])
  over.abort()
  running.process.kill('SIGKILL')
  const ended = await running.ended
  return { ...ended, isKilled: ended.signal === 'SIGKILL' || ended.code === 137 }
}
