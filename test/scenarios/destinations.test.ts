import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FaultS3 } from '../support/fault-s3.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { logcask, startLogcask, until } from './logcask-process.ts'
import { compareWithFiles, holdingsBelow, holdingsOf } from './stored-content.ts'

guardLeaks()

import { always, s3Url, segmentKeys, serve, setUp, whole } from './ship-stage.ts'

describe('ship to several destinations of which some do not work', () => {
  it('I5: one refuses everything and one hangs: the good one is complete long before --timeout, which names the two', async () => {
    const { files, args } = await setUp()
    const server = await serve({ buckets: ['good', 'denied', 'hanging'] })
    server.fault(always('denied', 'denied'))
    server.fault(always('hanging', 'hang'))
    const urls = ['denied', 'hanging', 'good'].map((bucket) => s3Url(server, bucket))
    const running = startLogcask([...args(...urls), '--timeout', '15s'])
    await until('the good one has all', () => compareWithFiles(files, holdingsOf(server.bucket('good'))).lost === 0, {
      context: running.stderr,
    })
    // Nothing made it wait for the others, and nothing has given them up yet.
    expect(running.process.exitCode).toBe(null)
    const { code, stderr } = await running.ended
    expect(code).toBe(75)
    expect(compareWithFiles(files, holdingsOf(server.bucket('good')))).toMatchObject(whole)
    expect(stderr).toMatch(/^denied DOWN .*403.*2 files, 19\.1 MiB to go\nfix: .*allow s3:/m)
    expect(stderr).toMatch(/^hanging LATE .*2 files, 19\.1 MiB to go\nfix: .+/m)
    expect(stderr).not.toMatch(/^good/m)
    expect(stderr).toContain('1/3 destinations')
  })

  it('I5: the good one is asked the same, whatever the others do', async () => {
    // Of what is configured, the size of segments follows: the same two, once well and once not.
    const quiet = await serve({ buckets: ['good', 'denied'] })
    const well = await setUp()
    expect((await logcask(well.args(s3Url(quiet, 'denied'), s3Url(quiet, 'good')))).code).toBe(0)
    const { args } = await setUp()
    const server = await serve({ buckets: ['good', 'denied'] })
    server.fault(always('denied', 'denied'))
    const { code } = await logcask(args(s3Url(server, 'denied'), s3Url(server, 'good')))
    expect(code).toBe(1)
    const puts = (one: FaultS3): number =>
      one.requests.filter(
        ({ operation, bucket, status }) => operation === 'PutObject' && bucket === 'good' && status === 200,
      ).length
    expect(puts(server)).toBeGreaterThan(5)
    expect(puts(server)).toBe(puts(quiet))
  })

  it('ends at once with 1 when only a misspelt bucket is left, and the good ones are complete', async () => {
    const { files, args, root } = await setUp()
    const server = await serve({ buckets: ['good'] })
    const { code, stderr } = await logcask(args(s3Url(server, 'good'), s3Url(server, 'goood'), `file://${root}`))
    expect(stderr).toMatch(/^goood DOWN .*NoSuchBucket.*\nfix: .*goood/m)
    expect(code).toBe(1)
    expect(compareWithFiles(files, holdingsOf(server.bucket('good')))).toMatchObject(whole)
    expect(compareWithFiles(files, await holdingsBelow(root))).toMatchObject(whole)
  })

  it('ends at once with 1 when there is nothing but a misspelt bucket', async () => {
    const { args } = await setUp()
    const server = await serve({ buckets: ['good'] })
    const { code, stderr } = await logcask(args(s3Url(server, 'goood')))
    expect(stderr).toMatch(/^goood DOWN .*NoSuchBucket.*2 files, 19\.1 MiB to go\nfix: .*goood/m)
    expect(code).toBe(1)
  })

  it('I5, I3: what did not answer gets all of it the next time, the others nothing', async () => {
    const { files, args, root } = await setUp()
    const server = await serve()
    const works = server.fault(always('bucket', 'hang'))
    const both = args(`file://${root}`, s3Url(server, 'bucket'))
    const first = await logcask([...both, '--timeout', '6s'])
    expect(first.code).toBe(75)
    expect(compareWithFiles(files, await holdingsBelow(root))).toMatchObject(whole)
    works()
    const before = [...(await holdingsBelow(root)).keys()]
    const second = await logcask(both)
    expect(second.code).toBe(0)
    expect(compareWithFiles(files, holdingsOf(server.objects))).toMatchObject(whole)
    expect([...(await holdingsBelow(root)).keys()]).toEqual(before)
  })

  it('I4: a file:// store that was there and is gone is a missing mount, not an empty one', async () => {
    const { directory, files, args, root } = await setUp()
    const server = await serve()
    const both = args(`file://${root}`, s3Url(server, 'bucket'))
    expect((await logcask(both)).code).toBe(0)
    await rename(root, join(directory, 'unmounted'))
    await mkdir(root)
    const { code, stderr } = await logcask([...both, '--timeout', '6s'])
    expect(stderr).toMatch(/bucket LATE .*\nfix: .*mount/)
    expect(code).toBe(75)
    expect(await holdingsBelow(root)).toEqual(new Map())
    expect(compareWithFiles(files, holdingsOf(server.objects))).toMatchObject(whole)
  })

  it.each(['segments/', 'seals/'])(
    'I3: a bucket that was turned back and lost its %s is noticed by the next ship, and filled again',
    async (room) => {
      const { logs, files, args, root } = await setUp()
      await writeFile(join(logs, 'empty.log'), '')
      const server = await serve()
      const both = args(`file://${root}`, s3Url(server, 'bucket'))
      expect((await logcask(both)).code).toBe(0)
      const keys = async (): Promise<string[][]> =>
        [[...(await holdingsBelow(root)).keys()].sort(), server.objects.keys()].map((one) =>
          one.filter((key) => !key.startsWith('probes/')),
        )
      const before = await keys()
      await rm(join(root, room), { recursive: true })
      for (const key of server.objects.keys(room)) server.objects.purge(key)
      const { code } = await logcask(both)
      expect(code).toBe(0)
      expect(await keys()).toEqual(before)
      expect(compareWithFiles(files, holdingsOf(server.objects))).toMatchObject(whole)
    },
  )

  it.skipIf(process.getuid?.() !== 0)(
    'a file:// store that may not be written: 1 at once, with the remedy',
    async () => {
      const { directory, logs, root } = await setUp()
      await mkdir(root)
      await chmod(directory, 0o755)
      const state = join(directory, 'own-state')
      await mkdir(state)
      await chmod(state, 0o777)
      const args = ['ship', logs, '--state', state, '--to', `file://${root}`]
      const { code, stderr } = await logcask(args, { uid: 65534, gid: 65534 })
      expect(stderr).toMatch(/bucket DOWN .*EACCES.*\nfix: /)
      expect(code).toBe(1)
    },
  )
})

describe('a store that must not be trusted with a byte', () => {
  it.each([
    [
      'ignores the condition',
      { kind: 'ignore' },
      /nothing was sent: a second PUT of the same key was answered 'created'/,
    ],
    ['races', { kind: 'racy', ms: 30 }, /nothing was sent: \d+ of 8 creators of one key won/],
    ['does not implement it', faults['501'], /nothing was sent: .*501/],
  ] as const)('I2: ship refuses one that %s, and says what was seen', async (_, fault, message) => {
    const { args } = await setUp()
    const server = await serve()
    server.fault(({ operation }) => (operation === 'PutObject' ? fault : undefined))
    const { code, stderr } = await logcask(args(s3Url(server, 'bucket')))
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/\nfix: use a store that creates only: .*logcask doctor/)
    expect(code).toBe(1)
    expect(segmentKeys(holdingsOf(server.objects))).toEqual([])
  })

  it('I2: one that has begun to ignore the condition since is refused as well', async () => {
    const { logs, args } = await setUp()
    const server = await serve()
    expect((await logcask(args(s3Url(server, 'bucket')))).code).toBe(0)
    const before = segmentKeys(holdingsOf(server.objects))
    server.fault(({ operation }) => (operation === 'PutObject' ? { kind: 'ignore' } : undefined))
    await writeFile(join(logs, 'more.log'), 'more')
    const { code, stderr } = await logcask(args(s3Url(server, 'bucket')))
    expect(stderr).toMatch(/this store ignores If-None-Match/)
    expect(code).toBe(1)
    expect(segmentKeys(holdingsOf(server.objects))).toEqual(before)
  })
})
