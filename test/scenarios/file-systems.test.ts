import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount } from '../support/mounts.ts'
import { type Alone, alone, aloneTimeout } from './alone.ts'
import { expectNothingElse } from './family.ts'
import { type ExpectedStream, LogFile, onDisk, wholeLife } from './log-file.ts'
import { logcask } from './logcask-process.ts'

guardLeaks()

const isMountable = canMount()

/** Makes a file system of `type` in a file, and mounts it; `undefined` where there is no tool to make one. */
const makers: Record<string, string> = { ext4: 'mkfs.ext4', xfs: 'mkfs.xfs', btrfs: 'mkfs.btrfs' }

function whyNot(type: string): string | undefined {
  if (!isMountable) return 'not run: only root may mount'
  const maker = makers[type]
  if (maker === undefined) return undefined
  const isThere = ['/usr/sbin', '/sbin', '/usr/bin'].some((room) => existsSync(join(room, maker)))
  return isThere ? undefined : `not run: there is no ${maker}`
}

const mounts: Record<string, (stage: Alone['stage'], at: string) => void> = {
  tmpfs: (_, at) => mount('-t', 'tmpfs', 'tmpfs', at),
  'a bind mount': (stage, at) => {
    mkdirSync(join(stage.directory, 'source'))
    mount('--bind', join(stage.directory, 'source'), at)
  },
  overlay: (stage, at) => {
    // On a tmpfs of its own: an overlay cannot lie on another one, as containers have it for /tmp.
    const base = join(stage.directory, 'layers')
    mkdirSync(base)
    mount('-t', 'tmpfs', 'tmpfs', base)
    for (const layer of ['lower', 'upper', 'work']) mkdirSync(join(base, layer))
    writeFileSync(join(base, 'lower/lower.log'), 'from the image\n')
    mount(
      '-t',
      'overlay',
      'overlay',
      '-o',
      ['lower', 'upper', 'work'].map((one) => `${one}dir=${base}/${one}`).join(','),
      at,
    )
  },
  ext4: (stage, at) => mountImage(stage, at, 'ext4', 64, ['-q', '-F']),
  xfs: (stage, at) => mountImage(stage, at, 'xfs', 320, ['-q', '-f']),
  btrfs: (stage, at) => mountImage(stage, at, 'btrfs', 128, ['-q', '-f']),
}

describe('file systems', () => {
  for (const [type, mountIt] of Object.entries(mounts)) {
    const why = whyNot(type)
    it.skipIf(why !== undefined).concurrent(
      `54: logs on ${type}: grown, rotated, truncated with a copy, deleted and made again, live and across a restart${why ? ` (${why})` : ''}`,
      aloneTimeout,
      async (context) => {
        const { stage, room } = await alone(context, '54')
        mountIt(stage, room.directory)
        const isOverlay = existsSync(room.path('lower.log'))
        const lower = isOverlay ? [copiedUp(room.path('lower.log'))] : []
        const file = room.create('app.log').lines(10)
        await stage.agent.start()
        await room.holds(...lower, file)
        renameSync(room.path('app.log'), room.path('app.log.1'))
        const second = room.create('app.log').lines(10)
        file.lines(1)
        await room.holds(...lower, file, second)
        second.lines(1)
        copyFileSync(room.path('app.log'), room.path('app.log.2'))
        const cut = wholeLife(second.truncate())
        second.lines(3)
        await room.holds(...lower, file, cut, second)
        await room.isAlias(room.path('app.log.2'), cut)
        const gone = room.create('gone.log').lines(5)
        await room.holds(...lower, file, cut, second, gone)
        gone.close()
        unlinkSync(room.path('gone.log'))
        const again = room.create('gone.log').lines(7)
        await room.holds(...lower, file, cut, second, gone, again)
        // Stopped before that, nobody could say whether its writer had more to say.
        await room.isSealed(gone)
        await stage.agent.stop()
        second.lines(1)
        renameSync(room.path('app.log.1'), room.path('app.log.3'))
        await stage.agent.start()
        again.lines(1)
        await room.holds(...lower, file, cut, second, gone, again)
        await stage.agent.stop()
        await expectNothingElse(stage, [room])
      },
    )
  }
})

describe('what comes back from a backup', () => {
  const why = whyNot('ext4')
  const image = `55: an image of the disk, mounted read only elsewhere${why ? ` (${why})` : ''}`
  describe.skipIf(why !== undefined)(image, () => {
    /** A disk of its own, with a log that was delivered and has grown since, and an image of it then. */
    async function setUp(context: TestContext, options: { deliver: 'before' | 'after' }) {
      const { stage, room } = await alone(context, '55')
      mountImage(stage, room.directory, 'ext4', 16, ['-q', '-F'])
      const file = room.create('app.log').lines(500)
      const deliver = async (): Promise<void> => {
        await stage.agent.start()
        await room.holds(file)
        await stage.agent.stop()
      }
      if (options.deliver === 'before') await deliver()
      file.lines(10)
      const image = join(stage.directory, 'snapshot')
      execFileSync('sync', ['-f', room.directory])
      copyFileSync(imageOf(stage), image)
      const inSnapshot: ExpectedStream = { identity: file.identity, content: file.content, gaps: [] }
      if (options.deliver === 'after') {
        file.lines(10)
        await deliver()
      }
      return { stage, room, file, image, inSnapshot }
    }

    async function shipSnapshot({ stage }: Alone, image: string, how: string, change?: (at: string) => void) {
      const at = join(stage.directory, 'mnt')
      mkdirSync(at)
      mount('-o', how, image, at)
      change?.(at)
      const args = ['ship', at, '--exclude', 'lost+found', '--host', 'web-1', '--to', stage.url]
      return logcask([...args, '--state', join(stage.directory, 'state-of-snapshot')])
    }

    it(
      '55: newer than the bucket: only the rest is sent, in the stream of the original',
      aloneTimeout,
      async (context) => {
        const site = await setUp(context, { deliver: 'before' })
        const { code, stderr } = await shipSnapshot(site, site.image, 'loop,ro,noload')
        expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
        await site.room.holds(site.inSnapshot)
        // The original goes on, also over what its snapshot has delivered.
        site.file.lines(10)
        await site.stage.agent.start()
        await site.room.holds(site.file)
        await site.stage.agent.stop()
        await expectNothingElse(site.stage, [site.room])
      },
    )

    it('55: older than the bucket: nothing is sent, and the original goes on', aloneTimeout, async (context) => {
      const site = await setUp(context, { deliver: 'after' })
      const before = (await site.stage.objects()).size
      const { code } = await shipSnapshot(site, site.image, 'loop,ro,noload')
      expect(code).toBe(0)
      expect((await site.stage.objects()).size).toBe(before)
      await site.room.holds(site.file)
      site.file.lines(10)
      await site.stage.agent.start()
      await site.room.holds(site.file)
      await site.stage.agent.stop()
      await expectNothingElse(site.stage, [site.room])
    })

    it('55: a copy of the disk that went another way: a fork, and 3', aloneTimeout, async (context) => {
      const site = await setUp(context, { deliver: 'after' })
      let other: LogFile | undefined
      const { code } = await shipSnapshot(site, site.image, 'loop', (at) => {
        other = new LogFile(join(at, 'app.log'), { isNew: false }).wrote(site.inSnapshot.content).lines(50)
        other.close()
      })
      expect(code).toBe(3)
      const views = (await site.stage.view()).filter(({ identity }) => identity === site.file.identity)
      const contents = views.map(({ content }) => content.toString())
      expect(contents).toEqual([site.file.content.toString(), other?.content.toString()])
      site.file.lines(10)
      await site.stage.agent.start()
      await site.stage.agent.stop()
      const [original] = (await site.stage.view()).filter(({ identity }) => identity === site.file.identity)
      expect(original?.content.equals(site.file.content)).toBe(true)
    })
  })

  for (const withState of [true, false])
    it.concurrent(
      `55: restored by rsync -a or cp -a under its own path, ${withState ? 'with' : 'without'} the state: the stream goes on`,
      aloneTimeout,
      async (context) => {
        const { stage, room } = await alone(context, '55-restored')
        const file = room.create('app.log').lines(2_000)
        const backup = join(stage.directory, 'backup')
        await stage.agent.start()
        await room.holds(file)
        execFileSync('cp', ['-a', room.directory, backup])
        await stage.agent.stop()
        file.close()
        rmSync(room.path('app.log'))
        execFileSync('cp', ['-a', join(backup, 'app.log'), room.path('app.log')])
        if (!withState) rmSync(stage.state, { recursive: true })
        const restored = room.reopen('app.log').wrote(file.content).lines(10)
        await stage.agent.start()
        // Its bytes are the old stream's, under the old identity.
        await room.holds({ identity: file.identity, content: restored.content, gaps: withState ? undefined : [] })
        await room.isAlias(room.path('app.log'), { identity: file.identity, content: restored.content, gaps: [] })
        restored.lines(1)
        await room.holds({ identity: file.identity, content: restored.content, gaps: withState ? undefined : [] })
        await stage.agent.stop()
        await expectNothingElse(stage, [room])
      },
    )

  it.concurrent(
    '55: restored from an older backup, and from one that went another way',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, '55-older')
      const [older, diverged] = [room.create('older.log').lines(2_000), room.create('diverged.log').lines(2_000)]
      const backup = join(stage.directory, 'backup')
      execFileSync('cp', ['-a', room.directory, backup])
      await stage.agent.start()
      await room.holds(older, diverged)
      for (const file of [older, diverged]) file.lines(100)
      await room.holds(older, diverged)
      await stage.agent.stop()
      for (const name of ['older.log', 'diverged.log']) {
        rmSync(room.path(name))
        execFileSync('cp', ['-a', join(backup, name), room.path(name)])
      }
      const restored = room
        .reopen('diverged.log')
        .wrote(readFileSync(room.path('diverged.log')))
        .lines(10)
      await stage.agent.start()
      // Neither holds all that was delivered: each is a file of its own, and what was delivered stays.
      await room.holds({ ...anyGapsOf(older) }, { ...anyGapsOf(diverged) }, onDisk(room.path('older.log')), restored)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )
})

function anyGapsOf({ identity, content }: ExpectedStream): ExpectedStream {
  return { identity, content, gaps: undefined }
}

/** A file of a lower layer changes its identity when it is first written: it is written before anybody looks. */
function copiedUp(path: string): ExpectedStream {
  const { size } = { size: readFileSync(path).length }
  truncateSync(path, size)
  utimesSync(path, new Date(), new Date())
  return onDisk(path)
}

function imageOf({ directory }: Alone['stage']): string {
  return join(directory, 'image')
}

function mountImage(stage: Alone['stage'], at: string, type: string, megabytes: number, options: string[]): void {
  writeFileSync(imageOf(stage), '')
  truncateSync(imageOf(stage), megabytes * 2 ** 20)
  execFileSync(`mkfs.${type}`, [...options, imageOf(stage)], { stdio: 'ignore' })
  mount('-o', 'loop', imageOf(stage), at)
  rmSync(join(at, 'lost+found'), { recursive: true, force: true })
}

function mount(...args: string[]): void {
  execFileSync('mount', args)
}
