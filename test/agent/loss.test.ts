import { appendFile, rename, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Rig, rig, until } from './rig.ts'

guardLeaks()

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const down = () => ({ kind: 'unavailable' }) as const
const gapsAre = async (wanted: string): Promise<void> => {
  for (const name of ['a', 'b']) await until(`gaps ${wanted}`, async () => (await at.gaps(name)).join() === wanted)
}

/** Replaces the content of the same inode. */
async function rewrite(path: string, content: string): Promise<void> {
  await truncate(path, 0)
  await appendFile(path, content)
}

describe('the end of a stream that is sealed', () => {
  it('I6: what was seen, not sent, and cut has a gap that the seal of before does not close', async () => {
    const daemon = at.daemon({ budget: { capacity: 1, perSecond: 0.0001 } })
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'])
    await rename(log, `${log}.1`)
    await until('sealed', async () => (await at.seals('a')).length === 1 && (await at.seals('b')).length === 1)
    await appendFile(`${log}.1`, 'unread\n')
    await until('seen', () => [...daemon.agent.book.current.values()].some((life) => life.size === 11))
    await truncate(`${log}.1`, 0)
    await until('ended', () => daemon.events.some((event) => event.kind === 'ended'))
    await gapsAre('4 truncated,4-11 truncated')
    await daemon.stop()
  })
})

describe('what was seen of a file, and of which nothing was sent', () => {
  async function seeWithoutSending(content: string): Promise<Awaited<ReturnType<typeof at.daemon>>> {
    for (const name of ['a', 'b']) at.fault(name, down)
    await writeFile(log, content)
    const daemon = at.daemon()
    await until('seen', () => [...daemon.agent.book.current.values()].some((life) => life.seen !== undefined))
    return daemon
  }

  it('I6: rewritten, and no shorter than before: what it was is lost, and said', async () => {
    const daemon = await seeWithoutSending('seen\n')
    await writeFile(log, 'other, and longer\n', { flag: 'r+' })
    await until('ended', () => daemon.events.some((event) => event.kind === 'ended'))
    for (const name of ['a', 'b']) at.fault(name, undefined)
    await gapsAre('0 truncated,0-5 truncated')
    for (const name of ['a', 'b']) await at.delivered(['other, and longer\n'], name)
    await daemon.stop()
  })

  it('bytes in the place of NULs at its end are no other life', async () => {
    const daemon = await seeWithoutSending(`one\n${'\0'.repeat(60)}`)
    await writeFile(log, 'one\ntwo\n', { flag: 'r+' })
    await until('looked at', () => [...daemon.agent.book.current.values()].some((life) => life.seen?.offset === 8))
    for (const name of ['a', 'b']) at.fault(name, undefined)
    for (const name of ['a', 'b']) await at.delivered(['one\ntwo\n'], name)
    expect(daemon.events.filter((event) => event.kind === 'ended')).toEqual([])
    await daemon.stop()
  })
})

describe('the end of a stream that had been left for a fork, and that its file came back to', () => {
  /** A roll-back: the file is what it was, and the bucket says that it was left. */
  async function comeBack(): Promise<void> {
    await writeFile(log, 'one\n')
    const first = at.daemon()
    for (const name of ['a', 'b']) await at.delivered(['one\n'], name)
    await first.stop()
    for (const content of ['other\n', 'one\n']) {
      await at.loseState()
      await rewrite(log, content)
      const daemon = at.daemon()
      await until('resumed', () => daemon.events.filter((event) => event.kind === 'began').length === 2)
      await daemon.stop()
    }
    expect(await at.gaps()).toEqual(['4 diverged'])
  }

  it('I6: truncated where the fork began: said from the byte before, since that key is taken', async () => {
    await comeBack()
    const daemon = at.daemon()
    await until('looked at', () => [...daemon.agent.book.current.values()].some((life) => life.isWatched))
    await truncate(log, 0)
    await gapsAre('3 truncated,4 diverged')
    await daemon.stop()
  })

  it('I6: truncated unread: what was seen is said as well', async () => {
    await comeBack()
    const daemon = at.daemon()
    for (const name of ['a', 'b']) at.fault(name, down)
    await appendFile(log, 'unread\n')
    await until('seen', () => [...daemon.agent.book.current.values()].some((life) => life.size === 11))
    await truncate(log, 0)
    await until('ended', () => daemon.events.some((event) => event.kind === 'ended'))
    for (const name of ['a', 'b']) at.fault(name, undefined)
    await gapsAre('3 truncated,4 diverged,4-11 truncated')
    await daemon.stop()
  })

  it('I6: gone', async () => {
    await comeBack()
    await unlink(log)
    const daemon = at.daemon()
    await gapsAre('3 gone,4 diverged')
    await daemon.stop()
  })
})

describe('a destination that answers late what it has of a file', () => {
  it('I1, I4: what others had of it meanwhile is no difference', async () => {
    await writeFile(log, 'old\n')
    const first = at.daemon()
    for (const name of ['a', 'b']) await at.delivered(['old\n'], name)
    const [stream = ''] = (await at.contents('b')).keys()
    await first.stop()
    await at.loseState()
    await at.restore('a', new Map())
    await rewrite(log, 'new\n')
    at.fault('b', ({ op, key }) => (op === 'list' && key.includes(stream) ? { kind: 'slow', ms: 20_000 } : undefined))
    const second = at.daemon()
    await at.delivered(['new\n'])
    await appendFile(log, 'more\n')
    await at.delivered(['new\nmore\n'])
    at.fault('b', undefined)
    await at.delivered(['old\n', 'new\nmore\n'], 'b')
    expect(second.events.filter((event) => event.kind === 'ended')).toEqual([])
    await at.delivered(['new\nmore\n'])
    await second.stop()
  })
})
