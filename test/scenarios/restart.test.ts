import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { firstTimes } from '../support/fault-s3-faults.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { alone, aloneTimeout, aloneWithServer } from './alone.ts'
import { expectNothingElse, family } from './family.ts'
import { anyGaps } from './log-file.ts'
import { until } from './logcask-process.ts'
import { RotatingLog } from './rotating-log.ts'

guardLeaks()

describe('what happened while the agent was down', () => {
  const { scenario, afterwards } = family('restart')

  // Filebeat and OTel try short lines and long ones.
  for (const width of [20, 2_000])
    scenario(`13: stop; append; start: only the new bytes are sent (lines of ${width})`, async (room) => {
      const file = room.create('app.log').lines(10, width)
      await room.holds(file)
      const [before] = await room.view()
      await room.whileDown(() => file.lines(10, width))
      await room.holds(file)
      // The segment that was there, and one for what came.
      expect(before?.segments).toBe(1)
      expect((await room.view())[0]?.segments).toBe(2)
    })

  scenario('14: stop; rename; append to the renamed file; start', async (room) => {
    const file = room.create('app.log').lines(10)
    await room.holds(file)
    await room.whileDown(() => {
      renameSync(room.path('app.log'), room.path('app.log.1'))
      file.lines(10)
    })
    await room.holds(file)
    await room.isSealed(file)
  })

  scenario('15: stop; rename; create A with new content; start', async (room) => {
    const old = room.create('app.log').lines(1_000)
    await room.holds(old)
    const log = { fresh: old }
    await room.whileDown(() => {
      old.lines(5)
      renameSync(room.path('app.log'), room.path('app.log.1'))
      log.fresh = room.create('app.log').lines(10)
    })
    await room.holds(old, log.fresh)
  })

  scenario(
    '16: stop; several rotations, the oldest is deleted and its inode used by the new A; start',
    async (room) => {
      const log = new RotatingLog(room, { backups: 2 })
      const oldest = log.file.lines(10)
      const { inode } = oldest
      log.rotate()
      log.file.lines(10)
      await room.holds(...log.lives)
      await room.whileDown(() => {
        log.file.lines(3)
        log.rotate()
        log.file.lines(4)
        // Its writer has closed it long ago; the second rotation deletes it. On ext4 the next file gets its inode.
        oldest.close()
        log.rotate((name) => room.createWithInode(name, inode))
        log.file.lines(5)
      })
      // Deleted while nobody looked: unless it was sealed before, nobody knows whether there was more in it.
      const [, ...others] = log.lives
      await room.holds(anyGaps(oldest), ...others)
    },
  )

  scenario('17: stop; rotate and compress; start: the rest comes out of the .gz, once', async (room) => {
    const file = room.create('app.log').lines(500)
    await room.holds(file)
    await room.whileDown(() => {
      file.lines(100)
      file.close()
      writeFileSync(room.path('app.log.1.gz'), gzipSync(readFileSync(room.path('app.log'))))
      unlinkSync(room.path('app.log'))
    })
    await room.holds(file)
    await room.isAlias(room.path('app.log.1.gz'), file)
    await room.isSealed(file)
  })

  scenario('20: a last line that was not complete when it stopped, and was when it started', async (room) => {
    const file = room.create('app.log').lines(3).write('the beginning of a line')
    await room.holds(file)
    await room.whileDown(() => file.write(', and its end\n').lines(1))
    await room.holds(file)
    await room.whileKilled(() => file.write('once more'))
    file.write(', killed\n')
    await room.holds(file)
  })

  // rsyslog hashes 512 bytes, OTel 1,000, Filebeat 1,024, Splunk and Vector 256; our own windows are of 4,096.
  scenario('38: files that grow through every size that fingerprints have, across restarts', async (room) => {
    const sizes = [256, 512, 1_000, 1_024, 4_096, 8_192, 65_536]
    const files = sizes.map((size) => room.create(`${size}.log`).write(`${size} `.padEnd(size - 1, '.')))
    await room.holds(...files)
    await room.whileDown(() => {
      for (const file of files) file.write('x')
    })
    await room.holds(...files)
    await room.whileKilled(() => {
      for (const file of files) file.write('y'.repeat(500))
    })
    for (const file of files) file.write('z')
    await room.holds(...files)
  })

  afterwards()
})

describe('kill -9 at a bad moment, and another configuration', () => {
  it.concurrent(
    '18: kill -9 in the middle of an upload of 4,000 lines; restart: all of it, once',
    aloneTimeout,
    async (context) => {
      const { stage, room, server } = await aloneWithServer(context, '18')
      const file = room.create('app.log').lines(4_000, 4_000)
      // The first segment passes, what follows is in the air when it is killed.
      const heal = server.fault(({ key }) => (/^segments\/.*\/0*[1-9]\d*-/.test(key) ? { kind: 'hang' } : undefined))
      await stage.agent.start()
      await until('some of it is there', async () => ((await room.view())[0]?.content.length ?? 0) > 0)
      await stage.agent.kill()
      const [half] = await room.view()
      expect(half?.content.length).toBeLessThan(file.content.length)
      heal()
      await stage.agent.start()
      file.lines(10)
      await room.holds(file)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )

  it.concurrent(
    '19: the upload done, its answer lost, kill; restart: the same object, asked for again and compared',
    aloneTimeout,
    async (context) => {
      const { stage, room, server } = await aloneWithServer(context, '19')
      const isSegment = ({ key, method }: { key: string; method: string }): boolean =>
        method === 'PUT' && key.startsWith('segments/')
      const file = room.create('app.log').lines(100)
      const heal = server.fault((request) => (isSegment(request) ? { kind: 'lost', when: 'after' } : undefined))
      // It is up only once the first scan was applied, and goes on trying all the time.
      await stage.agent.start()
      await until('it was stored', () => server.requests.filter(isSegment).length >= 2)
      await stage.agent.kill()
      heal()
      server.fault(firstTimes(1, { kind: 'lost', when: 'after' }, isSegment))
      await stage.agent.start()
      await room.holds(file)
      file.lines(10)
      await room.holds(file)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
      const stored = server.requests.filter((request) => isSegment(request) && request.status === 200)
      expect(stored.length).toBeLessThanOrEqual(1)
    },
  )

  it.concurrent(
    '21: a glob that does not match for a while: the state of its files is kept, and nothing is sent again',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, '21')
      mkdirSync(room.path('a'))
      mkdirSync(room.path('b'))
      await stage.agent.start()
      const [a, b] = [room.create('a/app.log').lines(10), room.create('b/app.log').lines(10)]
      await room.holds(a, b)
      const before = (await room.view()).map(({ segments }) => segments)
      await stage.agent.stop()
      const other = `${stage.directory}/other.yaml`
      await writeFile(other, JSON.stringify(stage.settings({ source: { include: [room.path('a/*')] } })))
      await stage.agent.start(other)
      a.lines(10)
      await room.holds(a, b)
      await stage.agent.stop()
      b.lines(10)
      await stage.agent.start()
      await room.holds(a, b)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
      expect((await room.view()).map(({ segments }) => segments)).toEqual(before.map((segments) => segments + 1))
    },
  )
})
