import { appendFile, open, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Rig, rig, text, until } from './rig.ts'

guardLeaks()

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const down = () => ({ kind: 'unavailable' }) as const

/** Replaces the content of the same inode. */
async function rewrite(path: string, content: string): Promise<void> {
  await truncate(path, 0)
  await appendFile(path, content)
}

async function first(content: string): Promise<void> {
  await writeFile(log, content)
  const daemon = at.daemon()
  for (const name of ['a', 'b']) await at.delivered([content], name)
  await daemon.stop()
}

describe('truncation, live', () => {
  for (const [what, change, rest] of [
    ['to nothing, then grown', (path: string) => rewrite(path, 'new\n'), 'new\n'],
    ['to a length that is not 0', (path: string) => truncate(path, 3), 'old'],
    ['and regrown longer than before', (path: string) => rewrite(path, `${text(300, 'n')}\n`), `${text(300, 'n')}\n`],
  ] as const) {
    it(`I1, I6: ${what}: a gap ends the stream everywhere, the next generation begins`, async () => {
      const daemon = at.daemon()
      await writeFile(log, 'old old old\n')
      for (const name of ['a', 'b']) await at.delivered(['old old old\n'], name)
      await change(log)
      for (const name of ['a', 'b']) {
        await at.delivered(['old old old\n', rest], name)
        expect(await at.gaps(name)).toEqual(['12 truncated'])
      }
      await appendFile(log, 'and on\n')
      for (const name of ['a', 'b']) await at.delivered(['old old old\n', `${rest}and on\n`], name)
      await daemon.stop()
    })
  }

  it('I1: to nothing, and nothing more: ended, no empty stream; then many times over', async () => {
    const daemon = at.daemon()
    const lives: string[] = []
    for (let round = 0; round < 8; round++) {
      lives.push(`round ${round} ${'.'.repeat(round)}\n`)
      await appendFile(log, lives[round] as string)
      await at.delivered(lives)
      await truncate(log, 0)
      await until('gap', async () => (await at.gaps()).length === round + 1)
    }
    for (const name of ['a', 'b']) await at.delivered(lives, name)
    await daemon.stop()
  })

  it('I5: while a destination is down: there, too, the end is recorded before the next generation', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'old\n')
    for (const name of ['a', 'b']) await at.delivered(['old\n'], name)
    at.fault('a', down)
    await rewrite(log, 'second life\n')
    await at.delivered(['old\n', 'second life\n'], 'b')
    await rewrite(log, 'third\n')
    await at.delivered(['old\n', 'second life\n', 'third\n'], 'b')
    at.fault('a', undefined)
    // The second life's bytes went before this destination could have them: that is a gap, not a stream.
    await at.delivered(['old\n', 'third\n'])
    expect(await at.gaps('a')).toEqual(['0 truncated', '0-12 truncated', '4 truncated'])
    await daemon.stop()
  })

  it('I6: without the state, before the store said what it has: the loss is said of the generation that stood open', async () => {
    const first = at.daemon()
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'])
    await rewrite(log, 'second life\n')
    for (const name of ['a', 'b']) await at.delivered(['one\n', 'second life\n'], name)
    const [stream = ''] = (await at.contents()).keys()
    await first.kill()
    await at.loseState()
    await appendFile(log, 'unread\n')
    for (const name of ['a', 'b'])
      at.fault(name, ({ op, key }) =>
        op === 'list' && key.includes(stream) ? { kind: 'slow', ms: 20_000 } : undefined,
      )
    const second = at.daemon()
    await until('seen', () => [...second.agent.book.current.values()].some((life) => life.size === 19))
    await rewrite(log, 'third\n')
    await until('ended', () => second.events.some((event) => event.kind === 'ended'))
    for (const name of ['a', 'b']) at.fault(name, undefined)
    for (const name of ['a', 'b']) {
      await at.delivered(['one\n', 'second life\n', 'third\n'], name)
      expect(await at.gaps(name)).toEqual(['12 truncated', '12-19 truncated', '4 truncated'])
    }
    await second.stop()
  })

  it('trailing NULs wait for a byte behind them', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n\0\0\0\0')
    await at.delivered(['one\n'])
    const handle = await open(log, 'r+')
    await handle.write('two\n', 4)
    await handle.close()
    await at.delivered(['one\ntwo\n'])
    await truncate(log, 10_000)
    await appendFile(log, 'end\n')
    await at.delivered([`one\ntwo\n${'\0'.repeat(9_992)}end\n`])
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })

  it('I1: those of a compressed file, whatever its name (sudo’s I/O logs), are its trailer’s: they go once it stands still', async () => {
    const daemon = at.daemon()
    const packed = gzipSync('what somebody typed\n')
    expect(packed.at(-1)).toBe(0)
    const ttyout = join(at.logs, 'ttyout')
    await writeFile(ttyout, packed)
    await at.delivered([packed.toString('latin1')])
    await daemon.stop()
  })

  it('I3: an edit of the first 64 bytes is no new life; what was shipped is kept', async () => {
    const daemon = at.daemon()
    const content = text(9_000, 'body')
    await writeFile(log, content)
    await at.delivered([content])
    const handle = await open(log, 'r+')
    await handle.write('EDITED', 10)
    await handle.close()
    await appendFile(log, 'more\n')
    for (const name of ['a', 'b']) await at.delivered([`${content}more\n`], name)
    expect(await at.gaps()).toEqual([])
    await daemon.kill()
    await at.loseState()
    await appendFile(log, 'and on\n')
    const second = at.daemon()
    for (const name of ['a', 'b']) await at.delivered([`${content}more\nand on\n`], name)
    await second.stop()
  })

  it('I3: a binlog whose flag is cleared goes on, also while short, also without state', async () => {
    const head = Buffer.concat([Buffer.from([0xfe, 0x62, 0x69, 0x6e]), Buffer.alloc(60, 7)])
    head[21] = 1
    await writeFile(log, head)
    const daemon = at.daemon()
    await at.delivered([head.toString('latin1')])
    const handle = await open(log, 'r+')
    await handle.write(Buffer.from([0]), 0, 1, 21)
    await handle.close()
    await appendFile(log, 'rotate event')
    await at.delivered([`${head.toString('latin1')}rotate event`])
    await daemon.kill()
    await at.loseState()
    await appendFile(log, '!')
    const second = at.daemon()
    for (const name of ['a', 'b']) await at.delivered([`${head.toString('latin1')}rotate event!`], name)
    expect(await at.gaps()).toEqual([])
    await second.stop()
  })

  it('I6: an edit further inside is reported at the seal, and the seal says what was shipped', async () => {
    const content = text(20_000, 'body')
    await first(content)
    const handle = await open(log, 'r+')
    await handle.write('EDITED', 9_000)
    await handle.close()
    await at.once()
    expect(at.events.filter((event) => event.kind === 'edited')).toHaveLength(2)
    await at.delivered([content])
    expect(await at.seals()).toEqual([20_000])
    expect(await at.gaps()).toEqual([])
  })
})

describe('truncation while the agent was down', () => {
  for (const withState of [true, false]) {
    const how = withState ? 'with its state' : 'without its state'
    const prepare = async (content: string): Promise<void> => {
      await first(content)
      if (!withState) await at.loseState()
    }
    const reason = withState ? 'truncated' : 'diverged'

    it(`I1, I6: regrown longer than before, ${how}`, async () => {
      await prepare('old\n')
      await rewrite(log, 'something else\n')
      const daemon = at.daemon()
      for (const name of ['a', 'b']) {
        await at.delivered(['old\n', 'something else\n'], name)
        expect(await at.gaps(name)).toEqual([`4 ${reason}`])
      }
      await daemon.stop()
    })

    it(`I1, I6: other bytes and shorter than before, ${how}`, async () => {
      await prepare('old old old old\n')
      await rewrite(log, 'new\n')
      const daemon = at.daemon()
      for (const name of ['a', 'b']) {
        await at.delivered(['old old old old\n', 'new\n'], name)
        expect(await at.gaps(name)).toEqual([`16 ${reason}`])
      }
      await daemon.stop()
    })

    it(`I1, I6: the same first bytes: the first byte that differs decides, long before the old length, ${how}`, async () => {
      await prepare(`header\n${text(500, 'old')}`)
      await rewrite(log, 'header\n')
      const daemon = at.daemon()
      await until('looked at', () => [...daemon.agent.book.current.values()].some((life) => life.isWatched))
      await appendFile(log, 'new\n')
      for (const name of ['a', 'b']) {
        await at.delivered([`header\n${text(500, 'old')}`, 'header\nnew\n'], name)
        expect(await at.gaps(name)).toEqual([`507 ${reason}`])
      }
      await daemon.stop()
    })

    it(`I1: shorter, but equal so far, then the same bytes again: goes on without a new stream, ${how}`, async () => {
      await prepare('one\ntwo\nthree\n')
      await truncate(log, 6)
      const daemon = at.daemon()
      await until('looked at', () => [...daemon.agent.book.current.values()].some((life) => life.isWatched))
      await appendFile(log, 'o\nthree\nfour\n')
      for (const name of ['a', 'b']) await at.delivered(['one\ntwo\nthree\nfour\n'], name)
      expect(await at.gaps()).toEqual([])
      await daemon.stop()
    })
  }

  it('I3: an older state directory costs nothing', async () => {
    await first('one\n')
    const { cp } = await import('node:fs/promises')
    await cp(at.state, join(at.directory, 'older'), { recursive: true })
    await appendFile(log, 'two\n')
    await at.once()
    await rewrite(log, 'three three three\n')
    await at.once()
    await at.loseState()
    await cp(join(at.directory, 'older'), at.state, { recursive: true })
    await appendFile(log, 'four\n')
    await at.once()
    for (const name of ['a', 'b']) await at.delivered(['one\ntwo\n', 'three three three\nfour\n'], name)
    // What the bucket has beyond what that state knew is not lost.
    for (const name of ['a', 'b']) expect(await at.gaps(name)).toEqual(['8 truncated'])
  })
})
