import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { OpenFile } from '../../../src/agent/files/files.ts'
import { WholeBook } from '../../../src/agent/whole/whole-book.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { LogcaskError } from '../../../src/base/errors.ts'
import { sha256 } from '../../../src/base/hash.ts'
import type { GetOptions } from '../../../src/bucket/bucket.ts'
import { createDirectoryBucket } from '../../../src/bucket/directory.ts'
import { createMemoryBucket } from '../../../src/bucket/memory.ts'
import { holdsContent } from '../../../src/bucket/sameness.ts'
import { faultBucket } from '../../support/fault-bucket.ts'
import { patternBytes } from '../../support/pattern-bytes.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { fastClock } from '../rig.ts'
import { contents, kinds, nobodyWrites, type RunOptions, wholeRig } from './whole-rig.ts'

const memory = () => createMemoryBucket(systemClock)
const hourly = 'app-20130704T00Z.log'
const second = (key: string, text: string): string => `${key}.${sha256(Buffer.from(text)).slice(0, 16)}`
type Shipper = Awaited<ReturnType<Awaited<ReturnType<typeof wholeRig>>['run']>>['shipper']

/** A daemon that runs until `work` is done. */
const whileRunning = (work: (shipper: Shipper) => Promise<void>): RunOptions & { ended: () => Promise<void> } => {
  const stop = new AbortController()
  let ended = Promise.resolve()
  return {
    isDaemon: true,
    signal: stop.signal,
    began: (shipper) => {
      ended = work(shipper).finally(() => stop.abort())
      ended.catch(() => {})
    },
    ended: () => ended,
  }
}

describe('what is no copy', () => {
  it.each([
    ['a zstd file with a second frame', '.zst', Buffer.concat([zstdCompressSync('one'), zstdCompressSync('two')])],
    ['a gzip file with a tail of NULs', '.gz', Buffer.concat([gzipSync('one'), Buffer.alloc(512)])],
    ['a gzip file with something behind it', '.gz', Buffer.concat([gzipSync('one'), Buffer.from('tail')])],
  ])('I2: %s, by what its beginning decodes to', async (_what, ending, stored) => {
    const rig = await wholeRig()
    const bucket = memory()
    await bucket.put(`${hourly}${ending}`, stored, { mode: 'create' })
    await rig.write(hourly, 'one')
    const whole = { as: '{filename}', compress: ending === '.gz' ? 'gzip' : 'zstd' } as const
    const other = second(`${hourly}${ending}`, 'one')
    expect(kinds(await rig.run({ a: bucket }, { source: { whole } }))).toEqual([`sent ${other} (second)`])
    expect(Buffer.from((await bucket.get(`${hourly}${ending}`))?.body ?? [])).toEqual(stored)
  })

  it('nor is a local one with a second frame a copy of what is there', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    await bucket.put(`${hourly}.zst`, zstdCompressSync('one'), { mode: 'create' })
    const local = Buffer.concat([zstdCompressSync('one'), zstdCompressSync('two')])
    await rig.write(`${hourly}.zst`, local)
    const [told] = kinds(await rig.run({ a: bucket }))
    expect(told).toMatch(/^sent .*\(second\)$/)
  })
})

describe('a store that is a directory', () => {
  it('I7: is asked for the metadata of a large object once, not for each stretch of it', async () => {
    const bytes = patternBytes(9 * 1024 * 1024)
    const asked: GetOptions[] = []
    const inner = memory()
    await inner.put('large', bytes, { mode: 'create' })
    const bucket = {
      ...inner,
      get: (...[key, options]: Parameters<typeof inner.get>) => {
        asked.push(options ?? {})
        return inner.get(key, options)
      },
    }
    const content = { sha256: sha256(bytes), length: bytes.byteLength }
    expect(await holdsContent(bucket, 'large', content, (ask) => ask(new AbortController().signal))).toBe(true)
    expect(asked.map(({ isBare }) => isBare === true)).toEqual([false, true, true])
  })

  it('and where nobody asks for it, it does not look', async () => {
    const root = await tempDirectory()
    const bucket = createDirectoryBucket({ root: join(root, 'store'), create: true }, systemClock)
    const body = Buffer.from('content')
    await bucket.put('key', body, { mode: 'create', metadata: { a: 'b' } })
    await writeFile(join(root, 'store', '.meta', 'key', sha256(body)), 'torn')
    await expect(bucket.get('key')).rejects.toThrow()
    const bare = await bucket.get('key', { isBare: true, range: { start: 1, end: 3 } })
    expect(Buffer.from(bare?.body ?? []).toString()).toBe('on')
    expect(await bucket.head('key', { isBare: true })).toMatchObject({ size: 7 })
  })
})

describe('requests', () => {
  it('what a restored bucket lacks is asked for once before it is sent', async () => {
    const rig = await wholeRig()
    await rig.write(hourly, 'known')
    await rig.run({ a: memory() })
    const restored = faultBucket(memory(), systemClock)
    await rig.run({ a: restored })
    expect(restored.operations.map(({ op }) => op)).toEqual(['head', 'put'])
  })
})

describe('a file that cannot be read', () => {
  it('I5: is no outage of the store that it was on its way to', async () => {
    const rig = await wholeRig()
    await rig.write(hourly, patternBytes(20 * 1024 * 1024))
    await rig.write('app-20130704T01Z.log', 'small')
    let reads = 0
    const broken = (file: OpenFile): OpenFile => ({
      identity: file.identity,
      stat: () => file.stat(),
      close: () => file.close(),
      read: (into, position) => {
        // The first round hashes it; then the disk fails.
        if (file.stat().size > 1024 && ++reads > 22) throw new LogcaskError('unavailable', 'EIO')
        return file.read(into, position)
      },
    })
    let health: string | undefined
    const options = whileRunning(async (shipper) => {
      await shipper.scanAgain()
      await expect.poll(() => shipper.queues.get('a')?.isIdle, { timeout: 20_000 }).toBe(true)
      health = shipper.queues.get('a')?.destination.health.state
      expect(shipper.pendingAt('a')).toHaveLength(1)
    })
    const outcome = await rig.run(
      { a: memory() },
      {
        ...options,
        files: (own) => ({
          ...own,
          open: async (...asked) => {
            const file = await own.open(...asked)
            return file && broken(file)
          },
        }),
      },
    )
    await options.ended()
    expect(health).toBe('ok')
    expect(kinds(outcome).sort()).toEqual([expect.stringMatching(/^problem: → a: .*EIO/), 'sent app-20130704T01Z.log'])
  })
})

describe('what stands in the way at one destination', () => {
  it('I5: says nothing of another', async () => {
    const rig = await wholeRig()
    const taken = memory()
    await taken.put(hourly, Buffer.from('x'), { mode: 'create' })
    await taken.put(second(hourly, 'ours'), Buffer.from('y'), { mode: 'create' })
    await rig.write(hourly, 'ours')
    const { shipper, events } = await rig.run({ taken, free: memory() })
    const [file] = shipper.met
    expect([...(file?.problems.keys() ?? [])]).toEqual(['taken'])
    expect(events.filter(({ kind }) => kind === 'delivered')).toMatchObject([{ destination: 'free' }])
  })

  it('is told once, and tried again', async () => {
    const rig = await wholeRig()
    const inner = memory()
    await inner.put(hourly, Buffer.from('x'), { mode: 'create' })
    await inner.put(second(hourly, 'ours'), Buffer.from('y'), { mode: 'create' })
    const bucket = faultBucket(inner, systemClock)
    await rig.write(hourly, 'ours')
    const puts = (): number => bucket.operations.filter(({ op, key }) => op === 'put' && key === hourly).length
    const options = whileRunning(async () => expect.poll(puts, { timeout: 20_000 }).toBe(3))
    const outcome = await rig.run({ a: bucket }, { ...options, clock: fastClock() })
    await options.ended()
    expect(kinds(outcome)).toEqual([expect.stringMatching(/^problem: → a: .*second one, too/)])
  })

  it('I3: a restored bucket is filled again, though another destination is dead', async () => {
    const rig = await wholeRig()
    await rig.write(hourly, 'known')
    const dead = faultBucket(memory(), systemClock, () => ({ kind: 'unavailable' }))
    const b = memory()
    const options = whileRunning(async (shipper) => {
      await expect.poll(async () => Object.keys(await contents(b)), { timeout: 20_000 }).toEqual([hourly])
      await expect.poll(() => shipper.queues.get('b')?.isIdle, { timeout: 20_000 }).toBe(true)
      b.tamper(hourly, undefined)
      for (const file of shipper.met) shipper.recheck(file)
      await expect.poll(async () => await contents(b), { timeout: 20_000 }).toEqual({ [hourly]: 'known' })
    })
    await rig.run({ dead, b }, options)
    await options.ended()
  })
})

describe('a systemd journal', () => {
  it('is refused, with the export to use instead; nothing of it is sent', async () => {
    const rig = await wholeRig()
    const bucket = faultBucket(memory(), systemClock)
    await rig.write('system@20130704T00Z.journal', Buffer.concat([Buffer.from('LPKSHHRH'), Buffer.alloc(5_000, 1)]))
    const { events } = await rig.run({ a: bucket })
    expect(events).toMatchObject([
      {
        kind: 'problem',
        message: expect.stringContaining('systemd journal'),
        hint: expect.stringContaining('journalctl'),
      },
    ])
    expect(bucket.operations).toEqual([])
  })
})

describe('a directory that is not there any more', () => {
  it('I6: took the files with it: what was not delivered is said to be lost, once', async () => {
    const rig = await wholeRig()
    const refusing = faultBucket(memory(), systemClock, ({ op }) => (op === 'put' ? { kind: 'refused' } : undefined))
    await rig.write(`sub/${hourly}`, 'gone soon')
    const first = whileRunning(async (shipper) => {
      await shipper.scanAgain()
      await expect.poll(() => shipper.pendingAt('a')).toHaveLength(1)
    })
    await rig.run({ a: refusing }, first)
    await first.ended()
    await rm(join(rig.logs, 'sub'), { recursive: true })
    expect((await rig.run({ a: refusing })).events).toMatchObject([{ kind: 'lost', destinations: ['a'] }])
    expect((await rig.run({ a: refusing })).events).toEqual([])
  })

  it('I4: one that cannot be searched, or lies below such a one, took nothing', async () => {
    const rig = await wholeRig()
    const path = join(rig.logs, 'sub', hourly)
    const book = new WholeBook({
      clock: systemClock,
      files: {} as never,
      sources: [],
      findWriters: async () => nobodyWrites,
      problem: () => {},
    })
    const times = { stamp: '1', size: 1, modifiedMs: 1, isOverByName: true }
    book.restore([{ identity: '1', path, firstPath: path, source: 'logs', ...times, deliveries: {} }], true)
    const scan = { found: new Map<string, string>(), complete: new Set<string>() }
    for (const at of [rig.logs, join(rig.logs, 'sub')])
      expect((await book.apply({ ...scan, problems: [{ path: at, errno: 'EIO' }] })).gone).toEqual([])
    expect(
      (await book.apply({ ...scan, problems: [{ path: '/elsewhere', errno: 'EIO' }] }, () => true)).gone,
    ).toHaveLength(1)
  })
})
