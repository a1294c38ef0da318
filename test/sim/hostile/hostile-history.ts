import { listObjects } from '../../../src/bucket/bucket.ts'
import { advance, type ChainEnd, chainStart } from '../../../src/format/chain.ts'
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts'
import type { StoredStream } from '../../support/stored-stream.ts'
import { attacks, type Thief, tamper } from './attacks.ts'
import { HostileWorld } from './hostile-world.ts'

export interface HostileVerdict {
  seed: number
  violations: string[]
  counts: Map<string, number>
}

const names = ['20261119T101500123456789Z-1a2b', '20261120T101500123456789Z-1a2c', '0-3']

/** A host delivers, is taken over, and does what it likes, while compactors publish and archive, and are killed. */
export async function runHostile(seed: number, onStep: (text: string) => void = () => {}): Promise<HostileVerdict> {
  const random = seededRandom(seed)
  const world = new HostileWorld(random)
  const counts = new Map<string, number>()
  const step = (what: string, isDone = true): void => {
    if (!isDone) return
    counts.set(what, (counts.get(what) ?? 0) + 1)
    onStep(what)
  }
  const ends = new Map<string, ChainEnd>()
  const streams = names.slice(0, random.int(1, names.length))
  for (const [at, stream] of streams.entries()) {
    const stored = world.stream('web-1', stream, `/var/log/app-${at}.log`)
    if (await deliver(stored, random)) world.sealed.add(stored)
    ends.set(stream, advance(chainStart, stored.content))
  }
  const good = world.stream('good', names[0] ?? '', '/var/log/app-0.log')
  await deliver(good, random, false)
  const delivered = (await listObjects(world.bucket, '')).map(({ key }) => key)
  const thief: Thief = { host: 'web-1', bucket: world.bucket, random, streams, ends }

  for (let left = random.int(6, 24); left > 0; left--) {
    const what = random.next()
    const killAt = random.chance(0.4) ? random.int(1, 60) : Number.POSITIVE_INFINITY
    const isKilled = killAt < Number.POSITIVE_INFINITY
    if (what < 0.6) {
      const attack = random.pick(Object.keys(attacks))
      step(attack, await attacks[attack]?.(thief, random.pick(streams)))
    } else if (what < 0.65) step('tamper', tamper(thief, delivered))
    else if (what < 0.8) {
      await world.compact(killAt)
      step(isKilled ? 'compact, maybe killed' : 'compact')
    } else if (what < 0.9) {
      await world.archiveAll(killAt)
      step(isKilled ? 'archive, maybe killed' : 'archive')
    } else if (what < 0.95) {
      await good.append(random.bytes(random.int(1, 500)))
      step('the other host delivers')
    } else {
      await world.clock.advance(random.pick([60_000, 3_600_000, 86_400_000, 8 * 86_400_000]))
      step('time passes')
    }
  }
  return { seed, violations: await world.judge(), counts }
}

/** Answers whether it said that this was all. */
async function deliver(stored: StoredStream, random: SeededRandom, maySeal = true): Promise<boolean> {
  if (maySeal && random.chance(0.2)) {
    await stored.finish(random.bytes(random.int(1, 6_000)))
    return true
  }
  for (let left = random.int(1, 5); left > 0; left--) await stored.append(random.bytes(random.int(1, 6_000)))
  if (!maySeal || random.chance(0.5)) return false
  await stored.seal()
  return true
}
