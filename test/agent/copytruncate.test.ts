import { appendFile, copyFile, mkdir, open, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { fastClock, type Rig, rig, text, until } from './rig.ts'

guardLeaks()

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const down = () => ({ kind: 'unavailable' }) as const
const both = async (contents: readonly string[]): Promise<void> => {
  for (const name of ['a', 'b']) await at.delivered(contents, name)
}
const aliased = (reason: string): Promise<void> =>
  until('aliases', async () => {
    for (const name of ['a', 'b']) if ((await at.aliases(name)).join() !== reason) return false
    return true
  })

/** Time in which what must not happen would: ten seconds of the agent's. */
const settled = (): Promise<void> => fastClock().sleep(10_000)

async function copytruncate(copy: string): Promise<void> {
  await copyFile(log, copy)
  await truncate(log, 0)
}

describe('copytruncate, live', () => {
  it('I1: the copy is the same stream: an alias, no stream of its own, the source goes on in the next generation', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    await copytruncate(`${log}.1`)
    await appendFile(log, 'two\n')
    await both(['one\n', 'two\n'])
    await aliased('copy')
    await until('sealed', async () => (await at.seals()).length === 1)
    expect(await at.seals()).toEqual([4])
    await both(['one\n', 'two\n'])
    await daemon.stop()
  })

  it('I1, I6: what only the copy has is shipped as the end of the stream', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    for (const name of ['a', 'b']) at.fault(name, down)
    await appendFile(log, 'unread\n')
    await copytruncate(`${log}.1`)
    await appendFile(log, 'two\n')
    await until('the end', () => daemon.events.some((event) => event.kind === 'ended'))
    for (const name of ['a', 'b']) at.fault(name, undefined)
    await both(['one\nunread\n', 'two\n'])
    await aliased('copy')
    await until('sealed', async () => (await at.seals()).length === 1)
    expect(await at.seals()).toEqual([11])
    await daemon.stop()
  })

  it('I6: what was seen after the copy was made, and cut, has a gap that the copy’s seal does not close', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    for (const name of ['a', 'b']) at.fault(name, down)
    const seen = (size: number): Promise<void> =>
      until(`${size} B seen`, () => [...daemon.agent.book.current.values()].some((life) => life.size === size))
    await appendFile(log, 'unread\n')
    await seen(11)
    await copyFile(log, `${log}.1`)
    await appendFile(log, 'late\n')
    await seen(16)
    await truncate(log, 0)
    await until('the end', () => daemon.events.some((event) => event.kind === 'ended'))
    for (const name of ['a', 'b']) at.fault(name, undefined)
    await both(['one\nunread\n'])
    await until('sealed', async () => (await at.seals()).join() === '11')
    expect(await at.gaps()).toEqual(['11 truncated', '11-16 truncated'])
    await daemon.stop()
  })

  it('I6: cut before any store had anything of it: its copy is the stream, and nothing is lost', async () => {
    for (const name of ['a', 'b']) at.fault(name, down)
    const daemon = at.daemon()
    const whole = text(9_000)
    await writeFile(log, whole.slice(0, 5_000))
    await until('seen', () => [...daemon.agent.book.current.values()].some((life) => life.seen?.offset === 5_000))
    await appendFile(log, whole.slice(5_000))
    await until('seen', () => [...daemon.agent.book.current.values()].some((life) => life.seen?.offset === 9_000))
    await copytruncate(`${log}.1`)
    await appendFile(log, 'two\n')
    await until('the end', () => daemon.events.some((event) => event.kind === 'ended'))
    await settled()
    for (const name of ['a', 'b']) at.fault(name, undefined)
    await both([whole, 'two\n'])
    await aliased('copy')
    await until('sealed', async () => (await at.seals()).join() === '9000')
    expect(await at.gaps()).toEqual(['0 truncated', '0-9000 truncated'])
    await daemon.stop()
  })

  it('I1: a copy longer than what was read of its source waits for the truncation, however slow the store', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    for (const name of ['a', 'b']) at.fault(name, () => ({ kind: 'slow', ms: 1_000 }))
    await appendFile(log, 'two\n'.repeat(1000))
    await copyFile(log, `${log}.1`)
    await until('met', () => [...daemon.agent.book.current.values()].some((life) => life.path === `${log}.1`))
    await truncate(log, 0)
    await appendFile(log, 'three\n')
    for (const name of ['a', 'b']) at.fault(name, undefined)
    await both([`one\n${'two\n'.repeat(1000)}`, 'three\n'])
    await aliased('copy')
    await daemon.stop()
  })

  it('I1, I4: a source that is cut before the store said what it has of it: its copy waits for that', async () => {
    const first = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    const [stream = ''] = (await at.contents('a')).keys()
    await first.kill()
    await at.loseState()
    await appendFile(log, 'two\n')
    const slow = { kind: 'slow', ms: 20_000 } as const
    for (const name of ['a', 'b'])
      at.fault(name, ({ op, key }) => (op === 'list' && key.includes(`segments/web-1/${stream}`) ? slow : undefined))
    const second = at.daemon()
    await until('explored', () => second.agent.isExplored)
    await copytruncate(`${log}.1`)
    await until('ended', () => second.events.some((event) => event.kind === 'ended'))
    await settled()
    for (const name of ['a', 'b']) at.fault(name, undefined)
    await both(['one\ntwo\n'])
    await aliased('copy')
    await appendFile(log, 'three\n')
    await both(['one\ntwo\n', 'three\n'])
    await second.stop()
  })

  it('the copy is held while it grows', async () => {
    // The hold of 5 s is 600 ms of the machine's, longer than a busy one pauses between two writes.
    const daemon = at.daemon({ clock: fastClock(8), source: { sealAfterMs: 20_000 } })
    const content = text(40_000)
    await writeFile(log, content)
    await both([content])
    const copy = await open(`${log}.1`, 'w')
    for (let offset = 0; offset < content.length; offset += 8_000) {
      await copy.write(content.slice(offset, offset + 8_000))
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await copy.close()
    await truncate(log, 0)
    await aliased('copy')
    await both([content])
    await daemon.stop()
  })

  for (const [what, name] of [
    ['a date at the end', 'app.log-20261121'],
    ['a date before the extension', 'app-20261121.log'],
    ['olddir', '../old/app.log.1'],
  ] as const) {
    it(`I1: a copy named with ${what}`, async () => {
      await mkdir(join(at.directory, 'old'))
      const daemon = at.daemon({
        source: { include: [`${at.logs}/*`, `${at.directory}/old/*`], olddir: join(at.directory, 'old') },
      })
      await writeFile(log, 'one\n')
      await both(['one\n'])
      await copytruncate(join(at.logs, name))
      await appendFile(log, 'two\n')
      await both(['one\n', 'two\n'])
      await aliased('copy')
      await until('sealed', async () => (await at.seals()).length === 1)
      await daemon.stop()
    })
  }

  it('I1: a copy of a file that a link leads to as well is named after the file', async () => {
    await writeFile(log, 'one\n')
    await symlink(log, join(at.logs, '0-current'))
    const daemon = at.daemon({ source: { followSymlinks: true } })
    await both(['one\n'])
    await copytruncate(`${log}.1`)
    await appendFile(log, 'two\n')
    await both(['one\n', 'two\n'])
    await aliased('copy')
    await both(['one\n', 'two\n'])
    await daemon.stop()
  })

  it('I1: several rounds, and each copy is told from the others', async () => {
    const daemon = at.daemon()
    const lives: string[] = []
    for (let round = 0; round < 4; round++) {
      const content = `header\nround ${round}\n`
      lives.push(content)
      await appendFile(log, content)
      await both(lives)
      await copytruncate(`${log}.${round}`)
      await until('alias', async () => (await at.aliases()).length === round + 1)
    }
    await both(lives)
    await until('sealed', async () => (await at.seals()).length === 4)
    await daemon.stop()
  })

  it('I5: one destination down meanwhile: it is judged there when it answers', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    at.fault('b', down)
    await appendFile(log, 'two\n')
    await at.delivered(['one\ntwo\n'])
    await copytruncate(`${log}.1`)
    await appendFile(log, 'three\n')
    await at.delivered(['one\ntwo\n', 'three\n'])
    await until('alias', async () => (await at.aliases()).length === 1)
    at.fault('b', undefined)
    await both(['one\ntwo\n', 'three\n'])
    await aliased('copy')
    await daemon.stop()
  })

  it('growfork: a judged copy that grows is a stream of its own', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    await copytruncate(`${log}.1`)
    await aliased('copy')
    await appendFile(`${log}.1`, 'its own\n')
    await both(['one\n', 'one\nits own\n'])
    await daemon.stop()
  })

  it('a cp stays a second stream, and an empty file none', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    await copyFile(log, `${log}.bak`)
    await writeFile(`${log}.empty`, '')
    await both(['one\n', 'one\n'])
    expect(await at.aliases()).toEqual([])
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })
})

describe('copytruncate while the agent was down', () => {
  for (const withState of [true, false]) {
    for (const [what, after] of [
      ['the source empty', ''],
      ['the source shorter', 'new'],
      ['the source longer than before', `${text(200, 'new')}`],
    ] as const) {
      for (const isOnce of [true, false]) {
        it(`I1: ${withState ? 'with' : 'without'} its state, ${what}, ${isOnce ? 'one-shot' : 'daemon'}: the unread tail comes from the copy`, async () => {
          await writeFile(log, 'one\ntwo\n')
          const first = at.daemon()
          await both(['one\ntwo\n'])
          await first.kill()
          await appendFile(log, 'unread\n')
          await copytruncate(`${log}.1`)
          if (after !== '') await appendFile(log, after)
          if (!withState) await at.loseState()
          const daemon = isOnce ? await at.once() : at.daemon()
          await both(['one\ntwo\nunread\n', ...(after === '' ? [] : [after])])
          await aliased('copy')
          if (daemon) {
            await appendFile(log, 'on\n')
            await both(['one\ntwo\nunread\n', `${after}on\n`])
            await daemon.stop()
          }
        })
      }
    }
  }

  for (const isOnce of [true, false])
    it(`I1, I3: of a live file that a one-shot run sealed, without the state, ${isOnce ? 'one-shot' : 'daemon'}`, async () => {
      await writeFile(log, 'one\n')
      const first = at.daemon()
      await both(['one\n'])
      await first.stop()
      await at.once()
      expect(await at.seals()).toEqual([4])
      await at.loseState()
      await appendFile(log, 'unread\n')
      await copytruncate(`${log}.1`)
      await appendFile(log, 'two\n')
      const daemon = isOnce ? await at.once() : at.daemon()
      await both(['one\nunread\n', 'two\n'])
      await aliased('copy')
      await both(['one\nunread\n', 'two\n'])
      await daemon?.stop()
    })

  it('I3: the state deleted after the alias: known again', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await both(['one\n'])
    await copytruncate(`${log}.1`)
    await aliased('copy')
    await daemon.kill()
    await at.loseState()
    await appendFile(log, 'two\n')
    const second = at.daemon()
    await both(['one\n', 'two\n'])
    await until('all seen', () =>
      [...second.agent.book.current.values()].every((life) => life.deliveries.get('a')?.stream),
    )
    await both(['one\n', 'two\n'])
    expect(second.events.filter((event) => event.kind === 'problem')).toEqual([])
    await second.stop()
  })
})
