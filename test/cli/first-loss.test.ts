import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstLoss, type LossFacts } from '../../src/cli/agent/first-loss.ts'
import { type AmountSample, addSample, growthPerSecond } from '../../src/cli/agent/growth.ts'
import { bytesBelow, LocalRoom } from '../../src/cli/agent/local-room.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const hourMs = 3_600_000
const well: LossFacts = {
  nowMs: 1_000_000,
  isRunning: true,
  behindBytes: 0,
  oldestSeconds: 0,
  bytesPerSecond: 1_000,
  spool: { bytes: 0, bytesMax: 10_000_000 },
  disks: [{ path: '/var/log', freeBytes: 10_000_000_000, bytesPerSecond: 1_000 }],
}

describe('the first possible loss', () => {
  it.each<[string, Partial<LossFacts>, { hours: number; reason: string } | undefined]>([
    ['none while all is delivered and there is room', {}, undefined],
    ['none for what is on its way', { behindBytes: 9_999_999, oldestSeconds: 2 }, undefined],
    [
      'the spool, once what is behind no longer fits there',
      { behindBytes: 6_400_000, oldestSeconds: 900 },
      { hours: 1, reason: 'spool full' },
    ],
    [
      'the spool, by what it holds already',
      { behindBytes: 2_800_000, oldestSeconds: 900, spool: { bytes: 3_600_000, bytesMax: 10_000_000 } },
      { hours: 1, reason: 'spool full' },
    ],
    [
      'now, where it does not fit already',
      { behindBytes: 1e9, oldestSeconds: 900 },
      { hours: 0, reason: 'spool full' },
    ],
    [
      'now, also where nothing grows any more',
      { behindBytes: 1e9, oldestSeconds: 900, bytesPerSecond: 0 },
      { hours: 0, reason: 'spool full' },
    ],
    [
      'none of the spool while its bound is not known',
      { behindBytes: 1e9, oldestSeconds: 900, spool: { bytes: 0 } },
      undefined,
    ],
    ['no rate is known yet', { behindBytes: 100, oldestSeconds: 900, bytesPerSecond: undefined }, undefined],
    [
      'the disk, whatever destinations do',
      { disks: [{ path: '/var/log', freeBytes: 7_200_000, bytesPerSecond: 1_000 }] },
      { hours: 2, reason: 'disk full' },
    ],
    ['a full disk', { disks: [{ path: '/var/log', freeBytes: 0 }] }, { hours: 0, reason: 'disk full' }],
    [
      'no disk that gets emptier',
      { disks: [{ path: '/var/log', freeBytes: 7_200_000, bytesPerSecond: -5 }] },
      undefined,
    ],
    [
      'the earliest of several',
      {
        behindBytes: 6_400_000,
        oldestSeconds: 900,
        disks: [
          { path: '/a', freeBytes: 7_200_000, bytesPerSecond: 1_000 },
          { path: '/b', freeBytes: 1_800_000, bytesPerSecond: 1_000 },
        ],
      },
      { hours: 0.5, reason: 'disk full' },
    ],
    [
      'from now on, where no agent runs and something waits',
      { isRunning: false, behindBytes: 1 },
      { hours: 0, reason: 'no agent runs' },
    ],
    ['none where no agent runs and nothing waits', { isRunning: false }, undefined],
  ])('%s', (_, facts, expected) => {
    const loss = firstLoss({ ...well, ...facts })
    expect(loss && { hours: (loss.atMs - well.nowMs) / hourMs, reason: loss.reason }).toEqual(expected)
    if (loss) expect(loss.because).toMatch(/\w/)
  })
})

describe('rates of the last hour', () => {
  it('are what was added between the oldest look and now', () => {
    let samples: readonly AmountSample[] = []
    for (let second = 0; second <= 7_200; second += 2)
      samples = addSample(samples, { atMs: second * 1_000, amount: second * (second > 3_600 ? 10 : 1_000) })
    expect(samples.length).toBeLessThanOrEqual(62)
    const growth = growthPerSecond(samples, { atMs: 7_200_000, amount: 72_000 + 3_600_000 - 36_000 })
    expect(growth).toBeLessThan(11)
    expect(growthPerSecond([], { atMs: 0, amount: 1 })).toBeUndefined()
    expect(growthPerSecond([{ atMs: 0, amount: 0 }], { atMs: 200_000, amount: 1e9 })).toBeUndefined()
  })

  it('I7: take a bounded number of looks, however often it is looked', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { maxLength: 2_000 }), (steps) => {
        let samples: readonly AmountSample[] = []
        let atMs = 0
        for (const step of steps) {
          atMs += step
          samples = addSample(samples, { atMs, amount: atMs })
          expect(samples.length).toBeLessThanOrEqual(62)
        }
        expect(growthPerSecond(samples, { atMs, amount: atMs }) ?? 1_000).toBeCloseTo(1_000)
      }),
      { numRuns: 30 },
    )
  })
})

it('the room on this machine: the spool, and each disk once', async () => {
  const directory = await tempDirectory('room')
  await mkdir(join(directory, 'spool/a'), { recursive: true })
  await writeFile(join(directory, 'spool/one'), 'x'.repeat(10))
  await writeFile(join(directory, 'spool/a/two'), 'x'.repeat(5))
  expect(await bytesBelow(join(directory, 'missing'))).toBe(0)
  const clock = createVirtualClock()
  const room = new LocalRoom(join(directory, 'spool'), clock)
  const paths = [join(directory, 'a.log'), join(directory, 'spool/b.log'), '/missing/c.log']
  await room.look(paths)
  expect(room.spoolBytes).toBe(15)
  expect(room.disks).toMatchObject([{ path: directory, bytesPerSecond: undefined }])
  expect(room.disks[0]?.freeBytes).toBeGreaterThan(0)
  await clock.advance(400_000)
  await room.look(paths)
  expect(room.disks[0]?.bytesPerSecond).toEqual(expect.any(Number))
})
