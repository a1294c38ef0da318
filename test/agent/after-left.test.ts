import { existsSync, linkSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdir, open, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takenName } from '../../src/agent/ending/after.ts'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { type Removable, removeDelivered } from '../../src/agent/files/local-removal.ts'
import { findWriters } from '../../src/agent/files/writers.ts'
import { type Rig, rig, text, until } from './rig.ts'

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

const path = (name: string): string => join(at.logs, name)
const archive = (): string => join(at.directory, 'archive')
const moving = () => ({ kind: 'move', directory: archive() }) as const
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

describe('after: move leaves no second name behind', () => {
  it('where the file is not to go any more', async () => {
    writeFileSync(path('app.log.1'), 'old\n')
    const one = removable('app.log.1', { hold: () => Promise.resolve({ kind: 'kept', why: 'it is live' }) })
    expect(await removeDelivered(one, moving(), files)).toMatchObject({ kind: 'kept', why: 'it is live' })
    expect(await readdir(archive())).toEqual([])
    expect(statSync(path('app.log.1')).nlink).toBe(1)
  })

  it('where the act fails', async () => {
    writeFileSync(path('app.log.1'), 'old\n')
    const fails = removable('app.log.1', { hold: () => Promise.reject(new Error('stopped')) })
    await expect(removeDelivered(fails, moving(), files)).rejects.toThrow('stopped')
    expect(await readdir(archive())).toEqual([])
  })

  it('where the name that it would have for an instant is taken, or nobody may rename', async () => {
    writeFileSync(path('app.log.1'), 'old\n')
    const one = removable('app.log.1')
    writeFileSync(path(takenName('app.log.1', one.identity)), 'of somebody')
    expect(await removeDelivered(one, moving(), files)).toMatchObject({ kind: 'kept', why: /in the way/ })
    expect(await readdir(archive())).toEqual([])
    expect(statSync(path('app.log.1')).nlink).toBe(1)
  })

  it('and none goes that is the last one', async () => {
    writeFileSync(path('app.log.1'), 'old\n')
    const one = removable('app.log.1', {
      hold: () => {
        // Somebody was faster: the file's only name is the one in the archive now.
        unlinkSync(path('app.log.1'))
        return Promise.resolve({ kind: 'kept', why: 'it is live' })
      },
    })
    await removeDelivered(one, moving(), files)
    expect(await readdir(archive())).toEqual(['app.log.1'])
  })

  it('a name that a killed agent has left is the one that it is moved to', async () => {
    writeFileSync(path('app.log.1'), 'old\n')
    await mkdir(archive())
    writeFileSync(join(archive(), 'app.log.1'), 'of last year\n')
    linkSync(path('app.log.1'), join(archive(), 'app.log.1.1'))
    expect(await removeDelivered(removable('app.log.1'), moving(), files)).toMatchObject({ kind: 'removed' })
    expect((await readdir(archive())).sort()).toEqual(['app.log.1', 'app.log.1.1'])
    expect(await readdir(at.logs)).toEqual([])
  })

  it('but a file with another name besides stays', async () => {
    writeFileSync(path('app.log.1'), 'old\n')
    linkSync(path('app.log.1'), path('other'))
    expect(await removeDelivered(removable('app.log.1'), moving(), files)).toMatchObject({ why: /2 names/ })
    await mkdir(archive(), { recursive: true })
    linkSync(path('app.log.1'), join(archive(), 'app.log.1'))
    expect(await removeDelivered(removable('app.log.1'), moving(), files)).toMatchObject({ why: /2 names/ })
  })
})

describe('what housekeeping waits for', () => {
  it('I5: a destination that stops answering holds up no file of others for longer than a while', async () => {
    for (const name of ['x', 'y']) {
      await writeFile(path(`${name}.log.1`), text(9_000, name))
      await writeFile(path(`${name}.log`), 'live\n')
    }
    const sources = ['x', 'y'].map((name) => ({
      name,
      include: [path(`${name}.log*`)],
      exclude: [],
      followSymlinks: false,
      sealAfterMs: 2_000,
      copies: 'new-stream' as const,
      after: 'delete' as const,
      to: [name === 'x' ? 'b' : 'a'],
    }))
    await at.once({ sources: sources.map((source) => ({ ...source, after: 'keep' as const })) })
    const daemon = at.daemon({ sources })
    await until('looked', () => daemon.agent.isExplored && daemon.agent.isDrained)
    // It answers no listing of seals any more, and says nothing.
    at.fault('b', ({ op }) => (op === 'list' || op === 'head' ? { kind: 'slow', ms: 10_000_000 } : undefined))
    await until('y went', () => !existsSync(path('y.log.1')))
    expect(existsSync(path('x.log.1'))).toBe(true)
    await daemon.stop()
  })

  it('what stayed is not kept open, and nothing waits for it', async () => {
    await writeFile(path('app.log.1'), text(9_000))
    await writeFile(path('app.log'), 'live\n')
    await at.once()
    // Edited: it will stay.
    const handle = await open(path('app.log.1'), 'r+')
    await handle.write(Buffer.from('EDITED'), 0, 6, 4_500)
    await handle.close()
    const daemon = at.daemon({ source: { after: 'delete' }, openFilesMax: 1 })
    const life = () => [...daemon.agent.book.current.values()].find((one) => one.path === path('app.log.1'))
    await until('it was told', () =>
      daemon.events.some((event) => event.kind === 'problem' && /not deleted/.test(event.message)),
    )
    await until('it is closed again', () => life() !== undefined && life()?.file === undefined)
    expect(daemon.agent.isDrained).toBe(true)
    await daemon.stop()
  })

  it('a file that a killed agent left under the name of that instant goes by the next', async () => {
    await writeFile(path('app.log.1'), text(9_000))
    await writeFile(path('app.log'), 'live\n')
    await at.once()
    const identity = files.peek(path('app.log.1'), false)?.identity ?? ''
    renameSync(path('app.log.1'), path(takenName('app.log.1', identity)))
    // The source's patterns do not match that name.
    const include = [join(at.logs, 'app.log*')]
    const daemon = at.daemon({ source: { after: 'delete', include } })
    await until('it went', async () => (await readdir(at.logs)).length === 1)
    await daemon.stop()
    expect(await at.gaps()).toEqual([])
  })
})
