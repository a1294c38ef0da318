import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/base/hash.ts'
import { createMemoryBucket } from '../../../src/bucket/memory.ts'
import { decodeWholeHeader } from '../../../src/format/whole.ts'
import { type Fault, faultBucket } from '../../support/fault-bucket.ts'
import { patternBytes } from '../../support/pattern-bytes.ts'
import { contents, kinds, nobodyWrites, wholeRig } from './whole-rig.ts'

const memory = () => createMemoryBucket(systemClock)
const hourly = 'haproxy-20130704T0000Z-us-west-2-i-ae23fega.log'
const logjam = '{prefix}/{year}/{month}/{day}/{filename}'
const second = (key: string, text: string | Uint8Array): string => `${key}.${sha256(Buffer.from(text)).slice(0, 16)}`

describe('files delivered whole', () => {
  it.each(['none', 'gzip', 'zstd'] as const)(
    'go once, with their length and hash, compressed by %s',
    async (compress) => {
      const rig = await wholeRig()
      const bucket = memory()
      await rig.write(hourly, 'one\ntwo\n')
      const source = { whole: { as: logjam, compress }, labels: { service: 'lb' } }
      const key = `haproxy/2013/07/04/${hourly}${{ none: '', gzip: '.gz', zstd: '.zst' }[compress]}`
      expect(kinds(await rig.run({ a: bucket }, { source }))).toEqual([`sent ${key}`])
      expect(await contents(bucket)).toEqual({ [key]: 'one\ntwo\n' })
      const header = decodeWholeHeader((await bucket.head(key))!.metadata, key)
      expect(header).toMatchObject({ encoding: compress, length: 8, sha256: sha256(Buffer.from('one\ntwo\n')) })
      expect(header?.origin).toMatchObject({ path: rig.path(hourly), labels: { service: 'lb' } })
    },
  )

  it.each(['none', 'gzip'] as const)(
    'are known again without any state, by what they decode to (%s)',
    async (compress) => {
      const rig = await wholeRig()
      const bucket = memory()
      await rig.write(hourly, 'same')
      await rig.run({ a: bucket }, { source: { whole: { as: '{filename}', compress: 'gzip' } } })
      await rig.forget()
      const whole = { as: compress === 'gzip' ? '{filename}' : '{filename}.gz', compress }
      expect(kinds(await rig.run({ a: bucket }, { source: { whole } }))).toEqual([`there ${hourly}.gz`])
      expect(Object.keys(await contents(bucket))).toEqual([`${hourly}.gz`])
    },
  )

  it('a file that was compressed since is the one that was delivered', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    const source = { whole: { as: '{filename}', compress: 'gzip' } } as const
    await rig.write(hourly, 'same content '.repeat(100))
    await rig.run({ a: bucket }, { source })
    await rm(rig.path(hourly))
    await rig.write(`${hourly}.gz`, gzipSync('same content '.repeat(100), { level: 1 }))
    expect(kinds(await rig.run({ a: bucket }, { source }))).toEqual([`there ${hourly}.gz`])
  })

  it('I2: other content under the name is left, and the file goes under a second one, once', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    await bucket.put(hourly, Buffer.from('of another host'), { mode: 'create' })
    await rig.write(hourly, 'ours')
    const other = second(hourly, 'ours')
    expect(kinds(await rig.run({ a: bucket }))).toEqual([`sent ${other} (second)`])
    await rig.forget()
    expect(kinds(await rig.run({ a: bucket }))).toEqual([`there ${other} (second)`])
    expect(await contents(bucket)).toEqual({ [hourly]: 'of another host', [other]: 'ours' })
  })

  it('files that a template names alike are all there', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    const all = ['a', 'b', 'c', 'd'].map((directory) => `${directory}/${hourly}`)
    for (const name of all) await rig.write(name, `content of ${name}`)
    await rig.run({ a: bucket })
    expect(Object.values(await contents(bucket)).sort()).toEqual(all.map((name) => `content of ${name}`))
  })

  it('where the second name is taken by yet other content, too, it is said, and nothing is overwritten', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    await bucket.put(hourly, Buffer.from('x'), { mode: 'create' })
    await bucket.put(second(hourly, 'ours'), Buffer.from('y'), { mode: 'create' })
    await rig.write(hourly, 'ours')
    const [problem] = kinds(await rig.run({ a: bucket }))
    expect(problem).toMatch(/^problem: → a: .*other content has this name, and the second one, too/)
    expect(Object.values(await contents(bucket)).sort()).toEqual(['x', 'y'])
  })

  it('an empty file is an empty object', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    await rig.write(hourly, '')
    await rig.run({ a: bucket })
    expect(await contents(bucket)).toEqual({ [hourly]: '' })
  })

  it('no byte of a file that is not complete is sent', async () => {
    const rig = await wholeRig()
    const bucket = faultBucket(memory(), systemClock)
    const hour = new Date()
      .toISOString()
      .replace(/[-:]|\..*/g, '')
      .slice(0, 11)
    await rig.write(`app-${hour}Z.log`, 'this hour')
    await rig.write('app.log', 'live')
    await rig.write('app.log.1', 'rotated, and written to')
    const writers = { ...nobodyWrites, has: () => true }
    expect(kinds(await rig.run({ a: bucket }, { writers }))).toEqual([])
    expect(bucket.operations).toEqual([])
  })

  it('I3: what the records know is asked about with one HEAD each by a one-shot run, and not at all by the daemon', async () => {
    const rig = await wholeRig()
    const bucket = faultBucket(memory(), systemClock)
    await rig.write(hourly, 'known')
    await rig.run({ a: bucket })
    const before = bucket.operations.length
    await rig.run({ a: bucket })
    expect(bucket.operations.slice(before).map(({ op }) => op)).toEqual(['head'])
    const stop = new AbortController()
    const began = (shipper: { scanAgain(): Promise<void> }): void =>
      void shipper
        .scanAgain()
        .then(() => shipper.scanAgain())
        .then(() => stop.abort())
    await rig.run({ a: bucket }, { isDaemon: true, signal: stop.signal, began })
    expect(bucket.operations).toHaveLength(before + 1)
  })

  it('I3: what a restored bucket lacks is sent again', async () => {
    const rig = await wholeRig()
    await rig.write(hourly, 'known')
    await rig.run({ a: memory() })
    const restored = memory()
    expect(kinds(await rig.run({ a: restored }))).toEqual([`sent ${hourly}`])
  })

  it('I3: the daemon, too, sends again what a restored bucket lacks, when it asks for it', async () => {
    const rig = await wholeRig()
    await rig.write(hourly, 'known')
    await rig.run({ a: memory() })
    const restored = memory()
    const stop = new AbortController()
    const began = async (shipper: Awaited<ReturnType<typeof rig.run>>['shipper']): Promise<void> => {
      await shipper.scanAgain()
      for (const file of shipper.book.files.values()) shipper.recheck(file)
      await expect.poll(() => shipper.isDrained).toBe(true)
      stop.abort()
    }
    const options = {
      isDaemon: true,
      signal: stop.signal,
      began: (shipper: Parameters<typeof began>[0]) => void began(shipper),
    }
    expect(kinds(await rig.run({ a: restored }, options))).toEqual([`sent ${hourly}`])
    expect(await contents(restored)).toEqual({ [hourly]: 'known' })
  })

  it('a file that was renamed after its delivery is not sent again', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    await rig.write('app.log', 'live')
    await rig.write('app.log.1', 'rotated')
    await rig.run({ a: bucket })
    await rig.rename('app.log.1', 'app.log.2')
    expect(kinds(await rig.run({ a: bucket }))).toEqual([])
    expect(Object.keys(await contents(bucket))).toEqual(['app.log.1'])
  })

  it('a file that grew after its delivery goes again, whole, under a second name', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    await rig.write(hourly, 'one\n')
    await rig.run({ a: bucket })
    await appendFile(rig.path(hourly), 'two\n')
    await rig.age(hourly, 60)
    const other = second(hourly, 'one\ntwo\n')
    expect(kinds(await rig.run({ a: bucket }))).toEqual([`sent ${other} (second) (changed)`])
    expect(await contents(bucket)).toEqual({ [hourly]: 'one\n', [other]: 'one\ntwo\n' })
  })

  it('I6: a file that goes before it was delivered everywhere is said to be lost', async () => {
    const rig = await wholeRig()
    const refusing = faultBucket(memory(), systemClock, ({ op }) => (op === 'put' ? { kind: 'refused' } : undefined))
    await rig.write(hourly, 'gone soon')
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 300)
    await rig.run({ a: refusing, b: memory() }, { isDaemon: true, signal: stop.signal })
    await rm(rig.path(hourly))
    const outcome = await rig.run({ a: refusing, b: memory() })
    expect(outcome.events).toMatchObject([{ kind: 'lost', destinations: ['a'] }])
  })
})

describe('stores that fail', () => {
  const faults: [string, Fault][] = [
    ['loses the answer of a PUT that it did', { kind: 'lost' }],
    ['never saw the PUT', { kind: 'unavailable' }],
    ['does the PUT later', { kind: 'late', ms: 30 }],
  ]
  it.each(faults)('I1: one that %s has each file once', async (_what, fault) => {
    const rig = await wholeRig()
    const inner = memory()
    const bucket = faultBucket(inner, systemClock, ({ op, attempt }) =>
      op === 'put' && attempt === 0 ? fault : undefined,
    )
    const files = Array.from({ length: 20 }, (_, at) => `app-20130704T${String(at).padStart(2, '0')}Z.log`)
    for (const name of files) await rig.write(name, `content ${name}`)
    await rig.run({ a: bucket }, { source: { whole: { as: '{filename}', compress: 'gzip' } } })
    await expect.poll(() => bucket.inFlight).toBe(0)
    expect(await contents(inner)).toEqual(Object.fromEntries(files.map((name) => [`${name}.gz`, `content ${name}`])))
  })

  it('I5: one that refuses delays no other', async () => {
    const rig = await wholeRig()
    const good = memory()
    const down = faultBucket(memory(), systemClock, () => ({ kind: 'refused' }))
    for (let at = 0; at < 40; at++) await rig.write(`app-20130704T00Z-${at}.log`, `content ${at}`)
    const stop = new AbortController()
    const began = async (shipper: Awaited<ReturnType<typeof rig.run>>['shipper']): Promise<void> => {
      await shipper.scanAgain()
      await expect.poll(() => shipper.queues.get('good')?.isIdle, { timeout: 20_000 }).toBe(true)
      expect(shipper.pendingAt('good')).toEqual([])
      expect(shipper.pendingAt('down')).toHaveLength(40)
      stop.abort()
    }
    await rig.run({ down, good }, { isDaemon: true, signal: stop.signal, began: (shipper) => void began(shipper) })
    expect(Object.keys(await contents(good))).toHaveLength(40)
  })
})

describe('large files', () => {
  it.each(['none', 'gzip'] as const)('go in parts, and are known again (%s)', async (compress) => {
    const rig = await wholeRig()
    const bucket = memory()
    const bytes = patternBytes(20 * 1024 * 1024 + 5)
    await rig.write(hourly, bytes)
    const source = { whole: { as: '{filename}', compress } }
    const key = `${hourly}${compress === 'gzip' ? '.gz' : ''}`
    expect(kinds(await rig.run({ a: bucket, b: memory() }, { source })).sort()).toEqual([`sent ${key}`, `sent ${key}`])
    expect(sha256(Buffer.from((await contents(bucket))[key]!, 'latin1'))).toBe(sha256(bytes))
    await rig.forget()
    expect(kinds(await rig.run({ a: bucket }, { source }))).toEqual([`there ${key}`])
  })

  it('one that changes while it is sent is not stored, and goes when it is quiet again', async () => {
    const rig = await wholeRig()
    const bytes = patternBytes(20 * 1024 * 1024)
    const inner = memory()
    let isChanged = false
    const bucket = {
      ...inner,
      putLarge: async (...[key, body, options]: Parameters<typeof inner.putLarge>) => {
        if (!isChanged && !key.startsWith('probes/')) {
          isChanged = true
          await writeFile(rig.path(hourly), 'rewritten')
          await rig.age(hourly, 60)
        }
        return inner.putLarge(key, body, options)
      },
    }
    await rig.write(hourly, bytes)
    expect(kinds(await rig.run({ a: bucket }))).toEqual([`sent ${hourly}`])
    expect(await contents(inner)).toEqual({ [hourly]: 'rewritten' })
  })
})

describe('after delivery', () => {
  const source = { after: 'delete' } as const
  const exists = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    )

  it('a file that is everywhere is deleted, and stays known to the run', async () => {
    const rig = await wholeRig()
    await rig.write(hourly, 'one')
    const outcome = await rig.run({ a: memory(), b: memory() }, { source })
    expect(kinds(outcome)).toEqual([`sent ${hourly}`, `sent ${hourly}`, 'removed'])
    expect(await exists(rig.path(hourly))).toBe(false)
  })

  it('a file is moved, and replaces none', async () => {
    const rig = await wholeRig()
    const moveTo = join(rig.state, 'archive')
    await mkdir(moveTo)
    await writeFile(join(moveTo, hourly), 'of before')
    await rig.write(hourly, 'one')
    await rig.run({ a: memory() }, { source: { after: 'move', moveTo } })
    expect(await exists(rig.path(hourly))).toBe(false)
    expect((await readdir(moveTo)).sort()).toEqual([hourly, `${hourly}.1`])
    expect(await readFile(join(moveTo, hourly), 'utf8')).toBe('of before')
  })

  it('what another tool had stored is read, since it says nothing of itself: the same content goes, other stays', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    await bucket.put(hourly, gzipSync('one'), { mode: 'create' })
    await rig.write(hourly, 'one')
    const first = await rig.run({ a: bucket })
    expect(kinds(first)).toEqual([`there ${hourly}`])
    bucket.tamper(hourly, Buffer.from('other'))
    const second = await rig.run({ a: bucket }, { source })
    expect(kinds(second)).toEqual([expect.stringMatching(/^sent .* \(second\)/), 'removed'])
    bucket.tamper(hourly, gzipSync('two'))
    await rig.write(hourly, 'two')
    expect(kinds(await rig.run({ a: bucket }, { source }))).toEqual([`there ${hourly}`, 'removed'])
  })

  it.each<[string, Parameters<Awaited<ReturnType<typeof wholeRig>>['run']>[1]]>([
    ['a process writes to it', { writers: { has: () => true, isComplete: true } }],
    ['only its idleness says so, and writers are unseen', { writers: { has: () => false, isComplete: false } }],
  ])('it stays where %s', async (_what, options) => {
    const rig = await wholeRig()
    const name = options?.writers?.isComplete ? hourly : 'app.log'
    await rig.write(name, 'one')
    const whole = { as: '{filename}', compress: 'none', idleMs: 1000 } as const
    const outcome = await rig.run({ a: memory() }, { ...options, source: { ...source, whole } })
    expect(kinds(outcome)).toEqual([`sent ${name}`, expect.stringMatching(/^problem: is not deleted: /)])
    expect(await exists(rig.path(name))).toBe(true)
  })

  it('it stays where a destination does not show it any more', async () => {
    const rig = await wholeRig()
    const inner = memory()
    const bucket = faultBucket(inner, systemClock, ({ op, key }) => {
      if (op === 'head' && key === hourly) inner.tamper(hourly, undefined)
      return undefined
    })
    await rig.write(hourly, 'one')
    const outcome = await rig.run({ a: bucket }, { source })
    expect(kinds(outcome)).toEqual([`sent ${hourly}`, expect.stringContaining('not every destination shows all of it')])
    expect(await exists(rig.path(hourly))).toBe(true)
  })

  it('a daemon deletes after a restart what was delivered before', async () => {
    const rig = await wholeRig()
    const bucket = memory()
    await rig.write(hourly, 'one')
    await rig.run({ a: bucket })
    const stop = new AbortController()
    const began = async (): Promise<void> => {
      await expect.poll(() => exists(rig.path(hourly)), { timeout: 15_000 }).toBe(false)
      stop.abort()
    }
    await rig.run({ a: bucket }, { source, isDaemon: true, signal: stop.signal, began: () => void began() })
    expect(Object.keys(await contents(bucket))).toEqual([hourly])
  }, 20_000)
})
