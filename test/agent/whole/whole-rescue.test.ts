import { existsSync, readdirSync } from 'node:fs'
import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Writers } from '../../../src/agent/files/writers.ts'
import { unspooledWholes } from '../../../src/agent/whole/whole-file.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Bucket } from '../../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../../src/bucket/memory.ts'
import { faultBucket } from '../../support/fault-bucket.ts'
import { fastClock } from '../rig.ts'
import { contents, kinds, type Outcome, type RunOptions, wholeRig } from './whole-rig.ts'

const memory = () => createMemoryBucket(systemClock)
const down = (): Bucket => faultBucket(memory(), systemClock, () => ({ kind: 'unavailable' }))
const clock = fastClock()
const spoolBytes = 1 << 30
type Place = Awaited<ReturnType<typeof wholeRig>>
const entries = (rig: Place): string[] => {
  const directory = join(rig.state, 'rescued')
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : []
}

/** A daemon that ends after `work`. */
async function during(
  rig: Place,
  buckets: Record<string, Bucket>,
  work: (shipper: Outcome['shipper']) => Promise<void>,
  options: RunOptions = {},
): Promise<Outcome> {
  const stop = new AbortController()
  let ended = Promise.resolve()
  const began = (shipper: Outcome['shipper']): void => {
    ended = work(shipper).finally(() => stop.abort())
    ended.catch(() => {})
  }
  const outcome = await rig.run(buckets, { isDaemon: true, clock, spoolBytes, ...options, signal: stop.signal, began })
  await ended
  return outcome
}

describe('files that are deleted before they are delivered', () => {
  it.each(['with', 'without'])(
    'I5: rotated away and deleted while all stores are down, one is delivered after a restart (%s the records)',
    async (how) => {
      const rig = await wholeRig()
      await rig.write('app.log', 'all of it\n', 60)
      await during(rig, { a: down(), b: down() }, async (shipper) => {
        await shipper.scanAgain()
        await rig.rename('app.log', 'app.log.1')
        await writeFile(rig.path('app.log'), 'live\n')
        await shipper.scanAgain()
        await rm(rig.path('app.log.1'))
        await expect.poll(() => entries(rig).length, { timeout: 20_000 }).toBe(1)
      })
      if (how === 'without') await rm(join(rig.state, 'wholes.jsonl'))
      const [a, b] = [memory(), memory()]
      const outcome = await during(rig, { a, b }, () =>
        expect.poll(() => entries(rig).length, { timeout: 20_000 }).toBe(0),
      )
      expect(kinds(outcome)).toEqual(['sent app.log.1', 'sent app.log.1'])
      for (const bucket of [a, b]) expect(await contents(bucket)).toEqual({ 'app.log.1': 'all of it\n' })
      expect(kinds(await rig.run({ a, b }, { spoolBytes }))).toEqual([])
    },
  )

  it('I5: a live one, too; by the same process if the store is back before its end', async () => {
    const rig = await wholeRig()
    await rig.write('app.log', 'never rotated\n', 60)
    let isDown = true
    const a = memory()
    const bucket = faultBucket(a, systemClock, () => (isDown ? { kind: 'unavailable' } : undefined))
    const outcome = await during(rig, { a: bucket }, async (shipper) => {
      await shipper.scanAgain()
      await rm(rig.path('app.log'))
      await expect.poll(() => entries(rig).length, { timeout: 20_000 }).toBe(1)
      isDown = false
      await expect.poll(() => entries(rig).length, { timeout: 20_000 }).toBe(0)
      expect(shipper.met).toEqual([])
    })
    expect(kinds(outcome)).toEqual(['sent app.log'])
    expect(await contents(a)).toEqual({ 'app.log': 'never rotated\n' })
  })

  it('only the destination that lacks it gets it, and the other is asked once', async () => {
    const rig = await wholeRig()
    await rig.write('app-20130704T00Z.log', 'content\n')
    const a = memory()
    await during(rig, { a, b: down() }, async (shipper) => {
      await expect.poll(async () => Object.keys(await contents(a)), { timeout: 20_000 }).toHaveLength(1)
      await shipper.scanAgain()
      await rm(rig.path('app-20130704T00Z.log'))
      await expect.poll(() => entries(rig).length, { timeout: 20_000 }).toBe(1)
    })
    const b = memory()
    const counted = faultBucket(a, systemClock)
    await rig.run({ a: counted, b }, { spoolBytes, clock })
    expect(await contents(b)).toEqual({ 'app-20130704T00Z.log': 'content\n' })
    expect(Object.keys(await contents(a))).toHaveLength(1)
    expect(counted.operations.filter(({ op }) => op === 'put')).toEqual([])
    expect(entries(rig)).toEqual([])
  })

  it('I6: what a process still writes to is not complete; where its end was not seen, that is said', async () => {
    const rig = await wholeRig()
    await rig.write('app.log', 'first\n', 60)
    const some: Writers = { has: () => true, isComplete: true }
    const options = { writers: some }
    await during(
      rig,
      { a: memory() },
      async (shipper) => {
        await shipper.scanAgain()
        const { open } = await import('node:fs/promises')
        const writer = await open(rig.path('app.log'), 'a')
        await rm(rig.path('app.log'))
        await expect.poll(() => entries(rig).length, { timeout: 20_000 }).toBe(1)
        await writer.write('second\n')
        await expect.poll(() => shipper.met[0]?.size, { timeout: 20_000 }).toBe(13)
        await writer.close()
      },
      options,
    )
    const bucket = memory()
    const outcome = await rig.run({ a: bucket }, { spoolBytes, clock })
    expect(kinds(outcome)).toEqual([
      expect.stringMatching(/^problem: was deleted before its end was seen/),
      'sent app.log',
    ])
    expect(await contents(bucket)).toEqual({ 'app.log': 'first\nsecond\n' })
  })

  it('I6: where the spool is full it is an alarm, and a named loss after the restart', async () => {
    const rig = await wholeRig()
    await rig.write('app-20130704T00Z.log', 'x'.repeat(5_000))
    const first = await during(
      rig,
      { a: down() },
      async (shipper) => {
        await shipper.scanAgain()
        await shipper.scanAgain()
        await rm(rig.path('app-20130704T00Z.log'))
        await shipper.scanAgain()
        await shipper.scanAgain()
        expect(shipper.pendingAt('a')).toHaveLength(1)
        expect(unspooledWholes(shipper).map(({ path }) => path)).toEqual([rig.path('app-20130704T00Z.log')])
      },
      { spoolBytes: 1_000 },
    )
    expect(kinds(first).filter((kind) => /is full/.test(kind))).toHaveLength(1)
    const second = await rig.run({ a: memory() }, { spoolBytes: 1_000 })
    expect(second.events).toMatchObject([{ kind: 'lost', destinations: ['a'] }])
  })

  it('I7: what is everywhere is not held', async () => {
    const rig = await wholeRig()
    await rig.write('app-20130704T00Z.log', 'content\n')
    await during(rig, { a: memory() }, async (shipper) => {
      await expect.poll(() => shipper.isEverywhere(shipper.met[0]!), { timeout: 20_000 }).toBe(true)
      await shipper.scanAgain()
      expect(shipper.met.map(({ file }) => file)).toEqual([undefined])
      await appendFile(rig.path('app-20130704T00Z.log'), 'more\n')
    })
  })
})
