import { appendFile, link, mkdir, open, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Files } from '../../src/agent/files/files.ts'
import { localFiles } from '../../src/agent/files/local-files.ts'
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

describe('rename rotation', () => {
  it('I1: a renamed file goes on in its stream, the new one has its own, and the old is sealed once idle', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'])
    await rename(log, `${log}.1`)
    await writeFile(log, 'two\n')
    for (const name of ['a', 'b']) await at.delivered(['one\n', 'two\n'], name)
    await until('sealed', async () => (await at.seals('a')).length === 1 && (await at.seals('b')).length === 1)
    expect(await at.seals('a')).toEqual([4])
    expect(await at.gaps('a')).toEqual([])
    await daemon.stop()
  })

  it('I1: a chain of three, with late writes through the old descriptors', async () => {
    const daemon = at.daemon({ source: { sealAfterMs: 20_000 } })
    const handles = []
    for (let round = 0; round < 3; round++) {
      await rm(`${log}.3`, { force: true })
      for (const n of [2, 1]) await rename(`${log}.${n}`, `${log}.${n + 1}`).catch(() => {})
      await rename(log, `${log}.1`).catch(() => {})
      const handle = await open(log, 'a')
      handles.push(handle)
      await handle.write(`round ${round}\n`)
      await until('seen', async () => [...(await at.contents()).values()].includes(`round ${round}\n`))
    }
    for (const [round, handle] of handles.entries()) await handle.write(`late ${round}\n`)
    for (const handle of handles) await handle.close()
    for (const name of ['a', 'b'])
      await at.delivered(
        [0, 1, 2].map((round) => `round ${round}\nlate ${round}\n`),
        name,
      )
    await until('sealed', async () => (await at.seals()).length === 2)
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })

  it('I1: rotated twice between two scans, and while the agent was down', async () => {
    await writeFile(log, 'one\n')
    const first = at.daemon()
    await at.delivered(['one\n'])
    await first.kill()
    await appendFile(log, 'more\n')
    await rename(log, `${log}.1`)
    await writeFile(log, 'two\n')
    await rename(`${log}.1`, `${log}.2`)
    await rename(log, `${log}.1`)
    await writeFile(log, 'three\n')
    const second = at.daemon()
    for (const name of ['a', 'b']) await at.delivered(['one\nmore\n', 'two\n', 'three\n'], name)
    await until('sealed', async () => (await at.seals()).length === 2)
    expect(await at.seals()).toEqual([4, 9])
    await second.stop()
  })

  for (const name of ['app.log.new', '.app.log.new', '.app.log.Xy12Zw'])
    it(`a live file that was prepared as ${name} is not rotated: no seal while it rests`, async () => {
      const daemon = at.daemon()
      const prepared = join(at.logs, name)
      await writeFile(prepared, 'one\n')
      await at.delivered(['one\n'])
      await rename(prepared, log)
      await until('renamed', () => daemon.events.some((event) => event.kind === 'rotated'))
      const sealAfterMs = 2_000
      await fastClock().sleep(5 * sealAfterMs)
      expect(await at.seals()).toEqual([])
      await rename(log, `${log}.1`)
      await until('sealed', async () => (await at.seals()).join() === '4')
      await daemon.stop()
    })

  it('a file that grows after its seal ships on, and gets a longer seal', async () => {
    const daemon = at.daemon()
    await writeFile(`${log}.1`, 'one\n')
    await writeFile(log, '')
    await until('sealed', async () => (await at.seals()).length === 1)
    await appendFile(`${log}.1`, 'two\n')
    await until('sealed again', async () => (await at.seals()).length === 2)
    expect(await at.seals()).toEqual([4, 8])
    await at.delivered(['one\ntwo\n'])
    await daemon.stop()
  })

  it('I1: into a directory that no pattern matches, with bytes that were not read', async () => {
    const out = join(at.directory, 'old')
    await mkdir(out)
    const daemon = at.daemon({ source: { include: [`${at.logs}/*`], olddir: out } })
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'])
    at.fault('a', down)
    await appendFile(log, 'two\n')
    await rename(log, join(out, 'app.log.1'))
    await at.delivered(['one\ntwo\n'], 'b')
    at.fault('a', undefined)
    await at.delivered(['one\ntwo\n'])
    await until('sealed', async () => (await at.seals()).length === 1)
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })
})

describe('deletion', () => {
  it('I5: undelivered bytes of a deleted file reach the destination that was down', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await at.delivered(['one\n'])
    at.fault('a', down)
    await appendFile(log, 'two\n')
    await at.delivered(['one\ntwo\n'], 'b')
    await unlink(log)
    await until('sealed in b', async () => (await at.seals('b')).length === 1)
    at.fault('a', undefined)
    await at.delivered(['one\ntwo\n'])
    await until('sealed in a', async () => (await at.seals('a')).length === 1)
    expect(await at.gaps()).toEqual([])
    await until('forgotten', () => daemon.agent.book.current.size === 0)
    await daemon.stop()
  })

  it('I1: deleted and created again, twenty times, inodes used again: every content is one stream', async () => {
    const daemon = at.daemon()
    const contents: string[] = []
    for (let round = 0; round < 20; round++) {
      const content = `same head\n${text(round * 7, 'r')}round ${round}\n`
      contents.push(content)
      await writeFile(log, content)
      await until('delivered', async () => [...(await at.contents()).values()].includes(content))
      if (round < 19) await unlink(log)
    }
    for (const name of ['a', 'b']) await at.delivered(contents, name)
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })

  it('I6: deleted while the agent was down: an open gap at the end, made once, and the checkpoint forgets it', async () => {
    await writeFile(log, 'one\n')
    const first = at.daemon()
    await at.delivered(['one\n'])
    await at.delivered(['one\n'], 'b')
    await first.stop()
    await unlink(log)
    const second = at.daemon()
    await until('gap', async () => (await at.gaps()).length === 1 && (await at.gaps('b')).length === 1)
    expect(await at.gaps()).toEqual(['4 gone'])
    await until('forgotten', () => [...second.agent.book.all()].length === 0)
    await second.stop()
    const third = at.daemon()
    await until('explored', () => third.agent.isExplored)
    expect([...third.agent.book.all()]).toEqual([])
    expect(third.events).toEqual([])
    await third.stop()
  })

  it('I4: a gap never masks bytes that turn up: moved away for a while, the file goes on in its stream', async () => {
    await writeFile(log, 'one\n')
    const first = at.daemon()
    await at.delivered(['one\n'])
    await first.stop()
    const away = join(at.directory, 'away')
    await rename(log, away)
    const second = at.daemon()
    await until('gap', async () => (await at.gaps()).length === 1)
    await appendFile(away, 'two\n')
    await rename(away, log)
    await at.delivered(['one\ntwo\n'])
    await second.stop()
  })
})

describe('names', () => {
  it('I4: moved, while nobody holds it, to a directory that cannot be read for a while: unknown, not gone', async () => {
    const old = join(at.logs, 'old')
    await mkdir(old)
    let isReadable = true
    const real = localFiles({ birthTimes: true, spoolDirectory: join(at.state, 'spool') })
    const files: Files = {
      ...real,
      scan: async (sources) => {
        const scan = await real.scan(sources)
        if (isReadable) return scan
        scan.complete.delete(old)
        for (const path of scan.found.keys()) if (path.startsWith(old)) scan.found.delete(path)
        return { ...scan, problems: [{ path: old, errno: 'EACCES' }] }
      },
    }
    const daemon = at.daemon({ files, openFilesMax: 1 })
    for (const name of ['x', 'y']) await writeFile(join(at.logs, name), `${name}\n`)
    await at.delivered(['x\n', 'y\n'])
    const held = (): number => [...daemon.agent.book.current.values()].filter((life) => life.file).length
    await until('closed', () => held() <= 1)
    isReadable = false
    for (const name of ['x', 'y']) await rename(join(at.logs, name), join(old, name))
    for (let scans = 0; scans < 3; scans++) await daemon.agent.scanAgain()
    isReadable = true
    await until('found', () => [...daemon.agent.book.current.values()].every((life) => life.path.startsWith(old)))
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })

  it('I1: hard links are one stream, and replacing by rename is another', async () => {
    const daemon = at.daemon()
    await writeFile(log, 'one\n')
    await link(log, join(at.logs, 'other.log'))
    await at.delivered(['one\n'])
    await appendFile(join(at.logs, 'other.log'), 'two\n')
    await at.delivered(['one\ntwo\n'])
    await writeFile(join(at.logs, 'new.tmp'), 'one\nthree\n')
    await rename(join(at.logs, 'new.tmp'), log)
    await at.delivered(['one\ntwo\n', 'one\nthree\n'])
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })

  it('I1: files with equal content, and with 5 KiB of the same beginning, stay their own streams', async () => {
    const head = text(5 * 1024, 'head')
    await writeFile(join(at.logs, 'a.log'), head)
    await writeFile(join(at.logs, 'b.log'), head)
    await writeFile(join(at.logs, 'c.log'), `${head}c`)
    const daemon = at.daemon()
    await at.delivered([head, head, `${head}c`])
    await appendFile(join(at.logs, 'a.log'), 'a')
    await at.delivered([`${head}a`, head, `${head}c`])
    await daemon.kill()
    await at.loseState()
    await appendFile(join(at.logs, 'b.log'), 'b')
    const second = at.daemon()
    for (const name of ['a', 'b']) await at.delivered([`${head}a`, `${head}b`, `${head}c`], name)
    await second.stop()
  })

  it('I1: a hundred files with a bound of ten open ones: all delivered, rotated ones sealed, growth seen', async () => {
    const daemon = at.daemon({ openFilesMax: 10 })
    for (let n = 0; n < 50; n++) {
      await writeFile(join(at.logs, `f${n + 100}.log`), `live ${n}\n`)
      await writeFile(join(at.logs, `f${n + 100}.log.1`), `old ${n}\n`)
    }
    await until('sealed', async () => (await at.seals()).length === 50)
    await until('closed', () => [...daemon.agent.book.current.values()].filter((life) => life.file).length <= 10)
    await appendFile(join(at.logs, 'f100.log'), 'more\n')
    await appendFile(join(at.logs, 'f149.log'), 'more\n')
    await at.delivered(
      Array.from({ length: 50 }, (_, n) => [`live ${n}\n${n % 49 === 0 ? 'more\n' : ''}`, `old ${n}\n`]).flat(),
    )
    await daemon.stop()
  })
})
