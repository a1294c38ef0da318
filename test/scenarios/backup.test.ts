import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Alone, alone, aloneTimeout } from './alone.ts'
import { expectNothingElse } from './family.ts'
import { type ExpectedStream, LogFile, onDisk } from './log-file.ts'
import { logcask } from './logcask-process.ts'
import { imageOf, mount, mountImage, whyNot } from './mounted.ts'

guardLeaks()

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
