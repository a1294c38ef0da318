import { appendFile, copyFile, rename, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guardLeaks, openFilesBelow } from '../support/leak-guard.ts'
import { type Rig, rig, text, until } from './rig.ts'

guardLeaks()

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

const openFilesMax = 4
const named = (stem: string, count = 6): string[] => Array.from({ length: count }, (_, n) => `${stem}${n}`)
const path = (name: string): string => join(at.logs, name)
const line = (name: string): string => `${name}\n`
const write = async (names: readonly string[], content = line): Promise<void> => {
  for (const name of names) await writeFile(path(name), content(name))
}
const both = async (contents: readonly string[]): Promise<void> => {
  for (const name of ['a', 'b']) await at.delivered(contents, name)
}

describe('what is delivered, and keeps no descriptor from those that wait (I7)', () => {
  it('compressed files, which hold what was delivered', async () => {
    const daemon = at.daemon({ openFilesMax })
    const logs = named('app.log.')
    const content = (name: string): string => text(5_000, name)
    await write(logs, content)
    await both(logs.map(content))
    for (const name of logs) {
      await writeFile(path(`${name}.gz`), gzipSync(content(name)))
      await unlink(path(name))
    }
    const aliased = async (): Promise<boolean> => (await at.aliases('b')).length + (await at.aliases()).length === 12
    await until('aliases', aliased)
    const more = named('more', 12)
    await write(more)
    await both([...logs.map(content), ...more.map(line)])
    await daemon.stop()
  })

  it('copies that copytruncate left', async () => {
    const daemon = at.daemon({ openFilesMax })
    const logs = named('app')
    await write(logs)
    await both(logs.map(line))
    for (const name of logs) {
      await copyFile(path(name), path(`${name}.1`))
      await truncate(path(name), 0)
    }
    const more = named('more', 12)
    await write(more)
    await both([...logs, ...more].map(line))
    await until('aliases', async () => (await at.aliases()).length === 6)
    await daemon.stop()
  })

  it('files that are shorter than what was delivered of them, as after a power cut', async () => {
    const logs = named('app')
    const content = (name: string): string => `${line(name)}more\n`
    await write(logs, content)
    const first = at.daemon({ openFilesMax })
    await both(logs.map(content))
    await first.stop()
    for (const name of logs) await truncate(path(name), line(name).length)
    const daemon = at.daemon({ openFilesMax })
    const more = named('more', 12)
    await write(more)
    await both([...logs.map(content), ...more.map(line)])
    // Goes on as it was, after all.
    await appendFile(path('app0'), 'more\nand more\n')
    await both(['app0\nmore\nand more\n', ...logs.slice(1).map(content), ...more.map(line)])
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })

  it('files that end in NULs, which may be no bytes yet', async () => {
    const daemon = at.daemon({ openFilesMax })
    const holes = named('hole')
    await write(holes, (name) => `${line(name)}\0\0\0`)
    const more = named('more', 12)
    await write(more)
    await both([...holes, ...more].map(line))
    // Bytes, after all.
    await appendFile(path('hole0'), 'end\n')
    await both([`hole0\n\0\0\0end\n`, ...[...holes.slice(1), ...more].map(line)])
    await daemon.stop()
  })
})

describe('a destination that takes nothing holds no descriptor that another needs (I5)', () => {
  const many = named('f', 12)
  for (const kind of ['unavailable', 'refused'] as const)
    it(`${kind}: the other one gets everything, and what grows; this one, when it is back`, async () => {
      at.fault('b', () => ({ kind }))
      await write(many)
      const daemon = at.daemon({ openFilesMax })
      await at.delivered(many.map(line))
      for (const name of many) await appendFile(path(name), 'more\n')
      const contents = many.map((name) => `${line(name)}more\n`)
      await at.delivered(contents)
      expect((await openFilesBelow(at.logs)).length).toBeLessThanOrEqual(openFilesMax)
      at.fault('b', undefined)
      await both(contents)
      expect(await at.gaps('b')).toEqual([])
      expect(daemon.events.filter((event) => event.kind === 'problem' && event.life)).toEqual([])
      await daemon.stop()
    })

  it('in the middle of its requests: what it was told before, it is not told again', async () => {
    const daemon = at.daemon({ openFilesMax })
    const first = many.slice(0, 4)
    await write(first)
    await both(first.map(line))
    at.fault('b', ({ key }) => (key.startsWith('segments/') ? { kind: 'lost' } : undefined))
    for (const name of first) await appendFile(path(name), 'more\n')
    await write(many.slice(4))
    const contents = many.map((name, n) => (n < 4 ? `${line(name)}more\n` : line(name)))
    await at.delivered(contents)
    at.fault('b', undefined)
    await both(contents)
    expect((await at.keys('b', 'segments/')).length).toBe(16)
    await daemon.stop()
  })

  it('rotated, and complete: they are sealed where that is possible, and keep nobody out', async () => {
    at.fault('b', () => ({ kind: 'unavailable' }))
    const daemon = at.daemon({ openFilesMax })
    await write(many)
    await at.delivered(many.map(line))
    for (const name of many) await rename(path(name), path(`${name}.1`))
    await until('sealed', async () => (await at.seals()).length === 12)
    await write(named('new', 12))
    await at.delivered([...many, ...named('new', 12)].map(line))
    at.fault('b', undefined)
    await at.delivered([...many, ...named('new', 12)].map(line), 'b')
    await until('sealed there', async () => (await at.seals('b')).length === 12)
    await daemon.stop()
  })

  it('a file without a name is kept for it', async () => {
    at.fault('b', () => ({ kind: 'unavailable' }))
    const daemon = at.daemon({ openFilesMax })
    await write(['gone0', 'gone1'])
    await at.delivered(['gone0', 'gone1'].map(line))
    for (const name of ['gone0', 'gone1']) await unlink(path(name))
    await until('seen', () => [...daemon.agent.book.current.values()].every((life) => life.isUnlinked))
    await write(many)
    await at.delivered(['gone0', 'gone1', ...many].map(line))
    at.fault('b', undefined)
    await both(['gone0', 'gone1', ...many].map(line))
    expect(await at.gaps('b')).toEqual([])
    await daemon.stop()
  })

  it('a one-shot run: the same', async () => {
    at.fault('b', () => ({ kind: 'refused' }))
    await write(many)
    const running = at.once({ openFilesMax })
    await at.delivered(many.map(line))
    // Not its business any more: the sizes are those of the start.
    await appendFile(path('f0'), 'more\n')
    at.fault('b', undefined)
    await running
    await both(many.map(line))
    expect((await at.seals('b')).length + (await at.seals()).length).toBe(0)
  })
})
