import { appendFileSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmod, open, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Writers } from '../../src/agent/files/writers.ts'
import { type Daemon, type Rig, type RigOptions, rig, text, until } from './rig.ts'

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

const path = (name: string): string => join(at.logs, name)
const spoolOf = (): string => join(at.state, 'spool')
const entries = (): string[] =>
  existsSync(spoolOf()) ? readdirSync(spoolOf()).filter((name) => name.endsWith('.json')) : []
const down = (): void => {
  for (const name of ['a', 'b']) at.fault(name, () => ({ kind: 'unavailable' }))
}
const up = (): void => {
  for (const name of ['a', 'b']) at.fault(name, undefined)
}
const seen = (daemon: Daemon, bytes: number): Promise<void> =>
  until('it was seen', () => [...daemon.agent.book.all()].some((life) => life.isWatched && life.size === bytes))
const spooled = (count = 1): Promise<void> => until('it is in the spool', () => entries().length === count)
const record = (): { end: number; seen: number; isOver: boolean } => {
  const [name] = entries()
  return JSON.parse(readFileSync(join(spoolOf(), name ?? ''), 'utf8'))
}

const unseen: Writers = { has: () => false, isComplete: false }
const some: Writers = { has: () => true, isComplete: true }
const nobody: Writers = { has: () => false, isComplete: true }
const longIdle = { spoolBytes: 1 << 30, source: { sealAfterMs: 3_600_000 } } satisfies RigOptions
const options = (writers: Writers): RigOptions => ({ ...longIdle, findWriters: async () => writers })

async function spoolOne(with_: RigOptions): Promise<void> {
  down()
  const daemon = at.daemon(with_)
  writeFileSync(path('app.log'), text(20_000))
  await seen(daemon, 20_000)
  await unlink(path('app.log'))
  await spooled()
  await daemon.stop()
}

describe('the end of a spooled file', () => {
  for (const [what, writers, isSeen] of [
    ['a process still had it open', some, false],
    ['nobody knows of writers, and it was not idle for long', unseen, false],
    ['it had no writer, and was read to its end', nobody, true],
  ] as const)
    it(`I6: where ${what}, it is ${isSeen ? 'sealed' : 'delivered with an open gap behind it, and never sealed'}`, async () => {
      await spoolOne(options(writers))
      up()
      const second = at.daemon({ ...options(writers), source: { sealAfterMs: 2_000 } })
      for (const name of ['a', 'b']) await at.delivered([text(20_000)], name)
      const isRecorded = async (name: string): Promise<boolean> =>
        (await at.seals(name)).length + (await at.gaps(name)).length > 0
      await until('its end is recorded', async () => (await isRecorded('a')) && (await isRecorded('b')))
      await second.stop()
      for (const name of ['a', 'b']) {
        expect(await at.seals(name)).toEqual(isSeen ? [20_000] : [])
        expect(await at.gaps(name)).toEqual(isSeen ? [] : ['20000 gone'])
      }
    })

  it('I6: the same by a one-shot run', async () => {
    await spoolOne(options(some))
    up()
    await at.once(options(some))
    expect(await at.seals()).toEqual([])
    expect(await at.gaps()).toEqual(['20000 gone'])
  })

  it('where nobody knows of writers, it is over once it was idle for as long as a seal asks for', async () => {
    down()
    const short = { ...options(unseen), source: { sealAfterMs: 2_000 } }
    const daemon = at.daemon(short)
    writeFileSync(path('app.log'), text(20_000))
    await seen(daemon, 20_000)
    await unlink(path('app.log'))
    await spooled()
    await until('the record says so', () => record().isOver)
    await daemon.kill()
    up()
    const second = at.daemon(short)
    await until('it is sealed', async () => (await at.seals()).includes(20_000))
    await second.stop()
    expect(await at.gaps()).toEqual([])
  })

  it('a writer that ends before the agent does is asked about again', async () => {
    down()
    let writers = some
    const asking: RigOptions = { ...longIdle, findWriters: async () => writers }
    const daemon = at.daemon(asking)
    writeFileSync(path('app.log'), text(20_000))
    await seen(daemon, 20_000)
    await unlink(path('app.log'))
    await spooled()
    expect(record().isOver).toBe(false)
    writers = nobody
    await daemon.stop()
    expect(record()).toMatchObject({ end: 20_000, seen: 20_000, isOver: true })
  })
})

describe('what the spool could not keep', () => {
  const small: RigOptions = { ...options(nobody), spoolBytes: 10_000 }

  /** 8,000 of 16,000 bytes are kept, and the record says that there were more. */
  async function cutShort(): Promise<void> {
    down()
    const daemon = at.daemon(small)
    const writer = await open(path('app.log'), 'a')
    await writer.write(text(8_000))
    await seen(daemon, 8_000)
    await unlink(path('app.log'))
    await spooled()
    await writer.write(text(8_000, 'more'))
    await until('the alarm', () => at.events.some((event) => event.kind === 'problem' && /is full/.test(event.message)))
    await writer.close()
    await daemon.stop()
  }

  it('I6: is a gap also where a run that knew of it ended before the gap was written', async () => {
    await cutShort()
    // It delivers what is kept, and can record nothing.
    for (const name of ['a', 'b'])
      at.fault(name, ({ op, key }) => (op === 'put' && key.startsWith('gaps/') ? { kind: 'unavailable' } : undefined))
    const second = at.daemon(small)
    await at.delivered([text(8_000)])
    await until('its state is saved', () =>
      [...second.agent.book.all()].some(
        (life) => life.size >= 8_000 && life.deliveries.get('b')?.acked.offset === 8_000,
      ),
    )
    await second.stop()
    up()
    await at.once(small)
    for (const name of ['a', 'b']) {
      expect(await at.gaps(name)).toEqual(['8000 unspooled', '8000-16000 unspooled'])
      expect(await at.seals(name)).toEqual([])
    }
    expect(entries()).toEqual([])
  })

  it('I6: is a gap also where a run ended before anything was delivered, twice, and the checkpoint is gone', async () => {
    await cutShort()
    for (let run = 0; run < 2; run++) {
      const idle = at.daemon(small)
      await until('it was looked at', () => idle.agent.isExplored)
      await new Promise((resolve) => setTimeout(resolve, 60))
      await idle.stop()
    }
    await rm(join(at.state, 'checkpoint.jsonl'))
    up()
    await at.once(small)
    expect(await at.gaps()).toEqual(['8000 unspooled', '8000-16000 unspooled'])
    expect(await at.seals()).toEqual([])
  })
})

describe('an entry that cannot be opened', () => {
  it('I4: stays, is told, and is delivered by the run that can', async () => {
    await spoolOne(options(nobody))
    up()
    const bytes = join(spoolOf(), entries()[0]?.replace(/json$/, 'bytes') ?? '')
    const content = readFileSync(bytes)
    await rm(bytes)
    // A name that is no file to be opened, whoever asks: this test may run as root.
    symlinkSync('/nowhere', bytes)
    const daemon = at.daemon(options(nobody))
    await until('it is told', () => at.events.some((event) => event.kind === 'problem' && event.place === 'spool'))
    await until('looked', () => daemon.agent.isExplored && daemon.agent.isDrained)
    await daemon.stop()
    expect(entries()).toHaveLength(1)
    await rm(bytes)
    writeFileSync(bytes, content)
    await chmod(bytes, 0o600)
    await at.once(options(nobody))
    await at.delivered([text(20_000)])
    expect(await at.gaps()).toEqual([])
    expect(entries()).toEqual([])
  })
})

describe('many files that go at once', () => {
  it('I7: never take more of the disk than the spool may hold', async () => {
    down()
    const spoolBytes = 100_000
    const daemon = at.daemon({ ...options(nobody), spoolBytes })
    for (let file = 0; file < 30; file++) writeFileSync(path(`app-${file}.txt`), text(10_000, `${file}`))
    await until(
      'all are seen',
      () => [...daemon.agent.book.all()].filter((life) => life.isWatched && life.size === 10_000).length === 30,
    )
    await Promise.all(Array.from({ length: 30 }, (_, file) => unlink(path(`app-${file}.txt`))))
    await until('the alarm', () => at.events.some((event) => event.kind === 'problem' && /is full/.test(event.message)))
    await daemon.stop()
    const kept = entries().map((name) => JSON.parse(readFileSync(join(spoolOf(), name), 'utf8')) as { end: number })
    expect(kept).toHaveLength(10)
    up()
    const second = at.daemon({ ...options(nobody), spoolBytes, source: { sealAfterMs: 2_000 } })
    const lost = async (): Promise<number> => (await at.gaps()).filter((gap) => gap === '0-10000 unspooled').length
    await until('what was not kept is recorded', async () => (await lost()) === 20)
    await until('the rest is sealed', async () => (await at.seals()).length === 10)
    await second.stop()
  })

  it('I5: the spool holds up no destination that answers', async () => {
    at.fault('b', () => ({ kind: 'unavailable' }))
    const daemon = at.daemon(options(nobody))
    for (let file = 0; file < 10; file++) writeFileSync(path(`app-${file}.txt`), text(10_000, `${file}`))
    await until('all are there', async () => (await at.contents('a')).size === 10)
    for (let file = 0; file < 10; file++) {
      appendFileSync(path(`app-${file}.txt`), 'last words\n')
      await unlink(path(`app-${file}.txt`))
    }
    await at.delivered(
      Array.from({ length: 10 }, (_, file) => `${text(10_000, `${file}`)}last words\n`),
      'a',
    )
    await daemon.stop()
  })
})
