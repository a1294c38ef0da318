import { appendFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from '../../src/agent/agent.ts'
import type { SourceSettings } from '../../src/agent/context.ts'
import type { DestinationSettings } from '../../src/agent/destination.ts'
import { type Rig, rig, text } from './rig.ts'

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const source = (more: Partial<SourceSettings> = {}): SourceSettings => ({
  name: 'logs',
  include: [`${at.logs}/**`],
  exclude: [],
  followSymlinks: false,
  sealAfterMs: 2_000,
  copies: 'new-stream',
  ...more,
})
const settingsOf = (agent: Agent): DestinationSettings[] =>
  [...agent.couriers.values()].map(({ destination }) => destination.settings)
/** A destination like the one of that name, and another object: it counts as changed. */
const another = (agent: Agent, name: string): DestinationSettings => {
  const settings = settingsOf(agent).find((one) => one.name === name)
  if (settings === undefined) throw new Error(`no destination ${name}`)
  return { ...settings }
}
const openFiles = ({ book }: Agent): string[] =>
  [...book.current.values()].flatMap(({ file, path }) => (file ? [path] : []))

describe('I1: a reload, while files grow and rotate', () => {
  it('that changes nothing reads and sends nothing again', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'])
    await at.delivered(['one\n'], 'b')
    const before = await at.keys('a', '')
    await daemon.agent.reload({ sources: [source()], destinations: settingsOf(daemon.agent) })
    await appendFile(log, 'two\n')
    await at.delivered(['one\ntwo\n'])
    await at.delivered(['one\ntwo\n'], 'b')
    expect((await at.keys('a', '')).length).toBe(before.length + 1)
    await daemon.stop()
  })

  it('a destination that comes gets all that is here; one that goes gets nothing more, and keeps nobody waiting', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'])
    await at.delivered(['one\n'], 'b')
    const both = settingsOf(daemon.agent)
    await daemon.agent.reload({ sources: [source()], destinations: both.slice(0, 1) })
    await appendFile(log, 'two\n')
    await at.delivered(['one\ntwo\n'])
    expect([...(await at.contents('b')).values()]).toEqual(['one\n'])
    expect(daemon.agent.isDrained).toBe(true)
    await daemon.agent.reload({ sources: [source()], destinations: both })
    await at.delivered(['one\ntwo\n'], 'b')
    await daemon.stop()
  })

  it('a destination that is changed while it hangs goes on where it was', async () => {
    const big = text(40_000)
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'], 'b')
    at.fault('b', (call) => (call.op === 'put' ? { kind: 'hang' } : undefined))
    await appendFile(log, big)
    await at.delivered([`one\n${big}`])
    at.fault('b', undefined)
    const [a] = settingsOf(daemon.agent)
    if (a === undefined) throw new Error('no destination')
    await daemon.agent.reload({ sources: [source()], destinations: [a, another(daemon.agent, 'b')] })
    await at.delivered([`one\n${big}`], 'b')
    expect(await at.gaps('b')).toEqual([])
    await daemon.stop()
  })

  it('a file that was deleted, and is open, is delivered all the same', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'])
    at.fault('a', (call) => (call.op === 'put' ? { kind: 'hang' } : undefined))
    await appendFile(log, 'last words\n')
    await new Promise((resolve) => setTimeout(resolve, 50))
    await unlink(log)
    at.fault('a', undefined)
    await daemon.agent.reload({
      sources: [source()],
      destinations: ['a', 'b'].map((name) => another(daemon.agent, name)),
    })
    await at.delivered(['one\nlast words\n'])
    await at.delivered(['one\nlast words\n'], 'b')
    await daemon.stop()
  })

  it('a source that is called otherwise goes on; files that no source asks for are left alone, and come back', async () => {
    const other = join(at.logs, 'other.log')
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await writeFile(other, 'other\n')
    await at.delivered(['one\n', 'other\n'])
    const destinations = settingsOf(daemon.agent)
    await daemon.agent.reload({ sources: [source({ name: 'app', include: [`${at.logs}/app*`] })], destinations })
    await daemon.agent.scanAgain()
    await appendFile(log, 'two\n')
    await appendFile(other, 'not asked for\n')
    await at.delivered(['one\ntwo\n', 'other\n'])
    expect(openFiles(daemon.agent)).toEqual([log])
    await rename(log, `${log}.1`)
    await writeFile(log, 'new\n')
    await at.delivered(['one\ntwo\n', 'new\n', 'other\n'])
    await daemon.agent.reload({ sources: [source()], destinations })
    await at.delivered(['one\ntwo\n', 'new\n', 'other\nnot asked for\n'])
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })

  it('again and again, while lines are written: each is there once', async () => {
    const daemon = at.daemon()
    let content = ''
    for (let line = 0; line < 60; line++) {
      content += `line ${line}\n`
      await appendFile(log, `line ${line}\n`)
      if (line % 5 === 0)
        await daemon.agent.reload({
          sources: [source({ name: `s${line % 2}` })],
          destinations: ['a', 'b'].map((name) => another(daemon.agent, name)),
        })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await at.delivered([content])
    await at.delivered([content], 'b')
    for (const name of ['a', 'b']) expect(await at.gaps(name)).toEqual([])
    await daemon.stop()
  })
})
