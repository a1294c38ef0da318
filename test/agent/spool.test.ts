import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { open, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findWriters } from '../../src/agent/files/writers.ts'
import { type Daemon, type Rig, type RigOptions, rig, text, until } from './rig.ts'

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

const path = (name: string): string => join(at.logs, name)
// Also where some process's descriptors cannot be looked at: those that may write here are this test's own.
const options: RigOptions = {
  spoolBytes: 1 << 30,
  findWriters: async () => ({ ...(await findWriters()), isComplete: true }),
}
const down = (): void => {
  for (const name of ['a', 'b']) at.fault(name, () => ({ kind: 'unavailable' }))
}
const up = (): void => {
  for (const name of ['a', 'b']) at.fault(name, undefined)
}
const entries = (): string[] => {
  const directory = join(at.state, 'spool')
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : []
}
const seen = (daemon: Daemon, bytes: number): Promise<void> =>
  until('it was seen', () => [...daemon.agent.book.all()].some((life) => life.isWatched && life.size === bytes))
const spooled = (count = 1): Promise<void> => until('it is in the spool', () => entries().length === count)

describe('the rescue spool', () => {
  for (const hasState of [true, false])
    it(`I6: what is deleted while all stores are down is delivered by the next run${hasState ? '' : ', also where the rest of the state is gone'}`, async () => {
      down()
      const first = at.daemon(options)
      writeFileSync(path('app.log'), text(20_000))
      await seen(first, 20_000)
      await unlink(path('app.log'))
      await spooled()
      await first.stop()
      if (!hasState) await rm(join(at.state, 'checkpoint.jsonl'))
      up()
      const second = at.daemon(options)
      for (const name of ['a', 'b']) await at.delivered([text(20_000)], name)
      await until('sealed', async () => (await at.seals('b')).length === 1 && (await at.seals('a')).length === 1)
      await until('the spool is empty', () => entries().length === 0 && second.agent.book.current.size === 0)
      await second.stop()
      expect(await at.gaps('a')).toEqual([])
      expect(await at.gaps('b')).toEqual([])
    })

  it('only the rest is kept, where a part was delivered; one store at a time comes back', async () => {
    const content = text(3_000_000)
    const daemon = at.daemon(options)
    writeFileSync(path('app.log'), content.slice(0, 2_900_000))
    for (const name of ['a', 'b']) await at.delivered([content.slice(0, 2_900_000)], name)
    at.fault('b', () => ({ kind: 'unavailable' }))
    appendFileSync(path('app.log'), content.slice(2_900_000))
    await at.delivered([content], 'a')
    await unlink(path('app.log'))
    await spooled()
    await daemon.stop()
    at.fault('a', () => ({ kind: 'unavailable' }))
    at.fault('b', undefined)
    const second = at.daemon(options)
    await at.delivered([content], 'b')
    await second.stop()
    expect(entries()).toHaveLength(1)
    up()
    await at.once(options)
    for (const name of ['a', 'b']) {
      await at.delivered([content], name)
      expect(await at.seals(name)).toEqual([content.length])
      expect(await at.gaps(name)).toEqual([])
    }
    expect(entries()).toEqual([])
  })

  it('what its writer still appends is kept as well, and a rotation that was compressed and deleted', async () => {
    down()
    const first = at.daemon(options)
    const writer = await open(path('app.log'), 'a')
    await writer.write(text(5_000))
    await seen(first, 5_000)
    await writeFile(path('old.log.gz'), gzipSync(text(100_000, 'packed')))
    const packed = gzipSync(text(100_000, 'packed')).byteLength
    await seen(first, packed)
    await unlink(path('app.log'))
    await unlink(path('old.log.gz'))
    await spooled(2)
    await writer.write('late\n')
    await seen(first, 5_005)
    await writer.close()
    await first.stop()
    up()
    await at.once(options)
    await at.delivered([`${text(5_000)}late\n`, gzipSync(text(100_000, 'packed')).toString('latin1')])
    expect(await at.gaps()).toEqual([])
  })

  it('what was for one destination goes to no other, also where its source is gone', async () => {
    down()
    const first = at.daemon({ ...options, source: { name: 'secret', to: ['b'] } })
    writeFileSync(path('app.log'), text(20_000))
    await seen(first, 20_000)
    await unlink(path('app.log'))
    await spooled()
    await first.stop()
    await rm(join(at.state, 'checkpoint.jsonl'))
    up()
    await at.once(options)
    await at.delivered([text(20_000)], 'b')
    expect(await at.keys('a', '')).toEqual([])
    expect(entries()).toEqual([])
  })

  it('what a killed process left half written is removed; what cannot be read is told, and stays', async () => {
    const spool = join(at.state, 'spool')
    mkdirSync(spool)
    writeFileSync(join(spool, 'rescued-x.bytes'), 'torn')
    writeFileSync(join(spool, 'rescued-y.json'), '{"v":2}')
    writeFileSync(join(spool, 'rescued-y.bytes'), 'of a later version')
    await at.once(options)
    expect(readdirSync(spool).sort()).toEqual(['rescued-y.bytes', 'rescued-y.json'])
    const told = at.events.filter((event) => event.kind === 'problem' && event.place.endsWith('rescued-y.json'))
    expect(told).toHaveLength(1)
  })

  it('a store that answers gets it without the spool', async () => {
    const daemon = at.daemon(options)
    writeFileSync(path('app.log'), text(20_000))
    await at.delivered([text(20_000)])
    await unlink(path('app.log'))
    await until('it is forgotten', () => daemon.agent.book.current.size === 0)
    expect(entries()).toEqual([])
    await daemon.stop()
  })

  it('I6: one that is full is an alarm, and after the restart a gap', async () => {
    const daemon = at.daemon({ spoolBytes: 10_000 })
    writeFileSync(path('app.log'), text(20_000))
    await at.delivered([text(20_000)])
    down()
    appendFileSync(path('app.log'), text(30_000, 'more'))
    await seen(daemon, 50_000)
    renameSync(path('app.log'), path('app.log.1'))
    await unlink(path('app.log.1'))
    const alarm = (): boolean =>
      at.events.some((event) => event.kind === 'problem' && event.place === 'spool' && /is full/.test(event.message))
    await until('the alarm', alarm)
    await daemon.stop()
    up()
    const second = at.daemon({ spoolBytes: 10_000 })
    await until('the gap', async () => (await at.gaps()).length > 0)
    await second.stop()
    expect(await at.gaps()).toEqual(['20000 unspooled', '20000-50000 unspooled'])
    await at.delivered([text(20_000)])
  })

  it('I6: what was appended when it was full is a gap; what was kept before is delivered', async () => {
    down()
    const daemon = at.daemon({ spoolBytes: 10_000 })
    const writer = await open(path('app.log'), 'a')
    await writer.write(text(8_000))
    await seen(daemon, 8_000)
    await unlink(path('app.log'))
    await spooled()
    await writer.write(text(8_000, 'more'))
    await seen(daemon, 16_000)
    await until('the alarm', () => at.events.some((event) => event.kind === 'problem' && /is full/.test(event.message)))
    await writer.close()
    await daemon.stop()
    up()
    await at.once({ spoolBytes: 10_000 })
    await at.delivered([text(8_000)])
    expect(await at.gaps()).toEqual(['8000 unspooled', '8000-16000 unspooled'])
    expect(await at.seals()).toEqual([])
    expect(entries()).toEqual([])
  })

  it('a store that comes back before the end gets all, however small the spool', async () => {
    down()
    const daemon = at.daemon({ spoolBytes: 100 })
    writeFileSync(path('app.log'), text(20_000))
    await seen(daemon, 20_000)
    await unlink(path('app.log'))
    await until('the alarm', () => at.events.some((event) => event.kind === 'problem' && /is full/.test(event.message)))
    up()
    await at.delivered([text(20_000)])
    await until('it is sealed', async () => (await at.seals('a')).length + (await at.seals('b')).length === 2)
    await daemon.stop()
    expect(await at.gaps()).toEqual([])
  })
})
