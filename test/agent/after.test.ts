import { appendFileSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RemovalFacts, whyKept } from '../../src/agent/ending/after.ts'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { type Removable, removeDelivered } from '../../src/agent/files/local-removal.ts'
import { findWriters } from '../../src/agent/files/writers.ts'
import { type Rig, rig, text, until } from './rig.ts'

const mayGo: RemovalFacts = {
  isLive: false,
  isEverywhere: true,
  hasOpenGap: false,
  isSameFile: true,
  delivered: 10,
  size: 10,
  isSameContent: true,
  names: 1,
  writer: 'none',
}

describe('what may go', () => {
  it('goes when every destination has it whole, also where nobody knows of writers', () => {
    expect(whyKept(mayGo)).toBeUndefined()
    expect(whyKept({ ...mayGo, writer: 'unknown' })).toBeUndefined()
  })
  const cases: [Partial<RemovalFacts>, RegExp][] = [
    [{ isLive: true }, /live/],
    [{ isEverywhere: false }, /not every destination/],
    [{ hasOpenGap: true }, /gap/],
    [{ isSameFile: false }, /another file/],
    [{ size: 11 }, /grown/],
    [{ size: 9 }, /shorter/],
    [{ isSameContent: false }, /edited/],
    [{ names: 2 }, /2 names/],
    [{ writer: 'some' }, /writing/],
  ]
  for (const [facts, why] of cases)
    it(`stays with ${JSON.stringify(facts)}`, () => expect(whyKept({ ...mayGo, ...facts })).toMatch(why))
})

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

const path = (name: string): string => join(at.logs, name)
const kept = (name: string): (string | undefined)[] =>
  at.events.flatMap((event) => (event.kind === 'problem' && event.place === path(name) ? [event.message] : []))

describe('after: delete', () => {
  it('a rotated file goes when every destination has it; the live one stays; nothing is called lost', async () => {
    const old = text(20_000, 'old')
    await writeFile(path('app.log.1'), old)
    await writeFile(path('app.log'), 'live\n')
    at.fault('b', () => ({ kind: 'unavailable' }))
    const daemon = at.daemon({ source: { after: 'delete' } })
    await at.delivered([old, 'live\n'], 'a')
    await until('sealed at a', async () => (await at.seals('a')).length === 1)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(existsSync(path('app.log.1'))).toBe(true)
    at.fault('b', undefined)
    await until('it went', () => !existsSync(path('app.log.1')))
    appendFileSync(path('app.log'), 'goes on\n')
    await at.delivered([old, 'live\ngoes on\n'], 'b')
    expect(readFileSync(path('app.log'), 'utf8')).toBe('live\ngoes on\n')
    await daemon.stop()
    const again = at.daemon({ source: { after: 'delete' } })
    await until('looked', () => again.agent.isExplored && again.agent.isDrained)
    await again.stop()
    for (const name of ['a', 'b']) {
      expect(await at.gaps(name)).toEqual([])
      expect((await at.contents(name)).size).toBe(2)
    }
    expect(await readdir(at.logs)).toEqual(['app.log'])
  })

  it('--once: rotated files go at its end; a later run knows of no loss', async () => {
    await writeFile(path('app.log.1'), text(9_000))
    await writeFile(path('app.log.2'), '')
    await writeFile(path('app.log'), 'live\n')
    await at.once({ source: { after: 'delete' } })
    expect(await readdir(at.logs)).toEqual(['app.log'])
    const daemon = at.daemon({ source: { after: 'delete' } })
    await until('looked', () => daemon.agent.isExplored && daemon.agent.isDrained)
    await daemon.stop()
    expect(await at.gaps()).toEqual([])
  })

  it('a compressed rotation, whose stream is delivered under another name, goes as well', async () => {
    const { gzipSync } = await import('node:zlib')
    const old = text(100_000)
    await writeFile(path('app.log'), old)
    await at.once()
    renameSync(path('app.log'), path('app.log.1'))
    await writeFile(path('app.log.1.gz'), gzipSync(old))
    await rm(path('app.log.1'))
    await writeFile(path('app.log'), 'live\n')
    await at.once({ source: { after: 'delete' } })
    expect(await readdir(at.logs)).toEqual(['app.log'])
    await at.delivered([old, 'live\n'])
  })

  it('what was edited after it was delivered stays', async () => {
    await writeFile(path('app.log.1'), text(20_000))
    await writeFile(path('app.log'), 'live\n')
    await at.once()
    const handle = await open(path('app.log.1'), 'r+')
    await handle.write(Buffer.from('EDITED'), 0, 6, 9_000)
    await handle.close()
    await at.once({ source: { after: 'delete' } })
    expect(existsSync(path('app.log.1'))).toBe(true)
    expect(kept('app.log.1')).toEqual([expect.stringMatching(/not deleted: .*edited/)])
  })

  it('a bucket that was turned back gets the file again before it goes', async () => {
    await writeFile(path('app.log.1'), text(20_000))
    await writeFile(path('app.log'), 'live\n')
    await at.once()
    await at.restore('b', new Map())
    at.fault('b', ({ op }) => (op === 'put' ? { kind: 'unavailable' } : undefined))
    const daemon = at.daemon({ source: { after: 'delete' } })
    await until('looked', () => daemon.agent.isExplored)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(existsSync(path('app.log.1'))).toBe(true)
    at.fault('b', undefined)
    await daemon.stop()
    await at.once({ source: { after: 'delete' } })
    expect(existsSync(path('app.log.1'))).toBe(false)
    await at.delivered([text(20_000), 'live\n'], 'b')
  })

  const whyNoProc = process.platform === 'linux' ? '' : ' (not run: no /proc here)'
  it.skipIf(whyNoProc !== '')(`what a process has open for writing stays${whyNoProc}`, async () => {
    await writeFile(path('app.log.1'), text(9_000))
    await writeFile(path('app.log'), 'live\n')
    const writer = await open(path('app.log.1'), 'a')
    const reader = await open(path('app.log.1'), 'r')
    await at.once({ source: { after: 'delete' } })
    expect(kept('app.log.1')).toEqual([expect.stringMatching(/open for writing/)])
    await writer.close()
    await at.once({ source: { after: 'delete' } })
    await reader.close()
    expect(existsSync(path('app.log.1'))).toBe(false)
  })
})

describe('after: move', () => {
  it('never replaces a file: a name that is taken gets a number', async () => {
    const archive = join(at.logs, 'archive')
    await mkdir(archive)
    await writeFile(join(archive, 'app.log.1'), 'of last year\n')
    await writeFile(path('app.log.1'), 'old\n')
    await writeFile(path('app.log'), 'live\n')
    const source = { after: 'move' as const, moveTo: archive, exclude: [`${archive}/**`] }
    await at.once({ source })
    expect(readFileSync(join(archive, 'app.log.1'), 'utf8')).toBe('of last year\n')
    expect(readFileSync(join(archive, 'app.log.1.1'), 'utf8')).toBe('old\n')
    expect((await readdir(at.logs)).sort()).toEqual(['app.log', 'archive'])
    const daemon = at.daemon({ source })
    await until('looked', () => daemon.agent.isExplored && daemon.agent.isDrained)
    await daemon.stop()
    expect(await at.gaps()).toEqual([])
    await at.delivered(['old\n', 'live\n'])
  })

  const other = '/dev/shm'
  const why = !existsSync(other) ? ` (not run: there is no ${other})` : ''
  it.skipIf(why !== '')(`to another file system: a copy with its mode and times, read back${why}`, async (context) => {
    if (statSync(other).dev === statSync(at.logs).dev) context.skip('not run: /dev/shm is no other file system here')
    const archive = join(other, `logcask-${process.pid}`)
    const old = text(3 * 1024 * 1024)
    await writeFile(path('app.log.1'), old, { mode: 0o640 })
    const { mtimeMs } = statSync(path('app.log.1'))
    await writeFile(path('app.log'), 'live\n')
    try {
      await at.once({ source: { after: 'move', moveTo: archive } })
      expect(await readdir(archive)).toEqual(['app.log.1'])
      expect(readFileSync(join(archive, 'app.log.1'), 'utf8')).toBe(old)
      const { mode, mtimeMs: moved } = statSync(join(archive, 'app.log.1'))
      expect([mode & 0o777, Math.round(moved)]).toEqual([0o640, Math.round(mtimeMs)])
      expect(existsSync(path('app.log.1'))).toBe(false)
    } finally {
      await rm(archive, { recursive: true, force: true })
    }
  })
})

describe('the last look', () => {
  const files = localFiles({ birthTimes: true, spoolDirectory: '' })
  const removable = (name: string, more: Partial<Removable> = {}): Removable => ({
    path: path(name),
    identity: files.peek(path(name), false)?.identity ?? '',
    delivered: statSync(path(name)).size,
    confirm: () => Promise.resolve({ isEverywhere: true, hasOpenGap: false }),
    isSameContent: () => Promise.resolve(true),
    isLive: () => false,
    hold: (act) => act(),
    writers: () => findWriters(),
    ...more,
  })

  it('another file that was rotated to the name in the last instant is put back untouched', async () => {
    writeFileSync(path('app.log.1'), 'old\n')
    writeFileSync(path('app.log'), 'just rotated\n')
    const rotate = (): void => {
      renameSync(path('app.log.1'), path('app.log.2'))
      renameSync(path('app.log'), path('app.log.1'))
    }
    for (const after of [{ kind: 'delete' }, { kind: 'move', directory: join(at.directory, 'moved') }] as const) {
      const one = removable('app.log.1', {
        hold: (act) => {
          rotate()
          return act()
        },
      })
      expect(await removeDelivered(one, after, files)).toMatchObject({ kind: 'kept', why: /another file/ })
      expect(readFileSync(path('app.log.1'), 'utf8')).toBe('just rotated\n')
      expect(readFileSync(path('app.log.2'), 'utf8')).toBe('old\n')
      renameSync(path('app.log.1'), path('app.log'))
      renameSync(path('app.log.2'), path('app.log.1'))
    }
    expect(await readdir(join(at.directory, 'moved'))).toEqual([])
  })

  it('a file that grows in the last instant stays', async () => {
    writeFileSync(path('app.log.1'), 'old\n')
    const one = removable('app.log.1', {
      hold: (act) => {
        appendFileSync(path('app.log.1'), 'late\n')
        return act()
      },
    })
    expect(await removeDelivered(one, { kind: 'delete' }, files)).toMatchObject({ kind: 'kept', why: /grown/ })
    expect(await readdir(at.logs)).toEqual(['app.log.1'])
    expect(readFileSync(path('app.log.1'), 'utf8')).toBe('old\nlate\n')
  })

  it('where the processes cannot be looked at, it says so', async () => {
    const writers = await findWriters(join(at.directory, 'no-proc'))
    expect(writers.isComplete).toBe(false)
  })
})
