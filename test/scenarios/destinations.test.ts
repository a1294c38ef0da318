import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type FaultS3, type FaultS3Options, startFaultS3 } from '../support/fault-s3.ts'
import { type FaultName, type FaultRule, faults } from '../support/fault-s3-faults.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type Authority, hasOpenssl, makeAuthority } from '../support/tls.ts'
import { logcask, type RunOptions, startLogcask, until } from './logcask-process.ts'
import { compareWithFiles, type Holdings, holdingsBelow, holdingsOf } from './stored-content.ts'

guardLeaks()

const whole = { lost: 0, doubled: 0, different: [] }

async function serve(options: FaultS3Options = {}): Promise<FaultS3> {
  const server = await startFaultS3(options)
  onTestFinished(() => server.close())
  return server
}

/** Some logs of several segments, and how to ship them. */
async function setUp() {
  const directory = await tempDirectory('destinations')
  const logs = join(directory, 'logs')
  await mkdir(logs)
  for (const [name, bytes] of [
    ['big.log', patternBytes(20_000_000, 5)],
    ['small.log', patternBytes(3_000, 6)],
  ] as const)
    await writeFile(join(logs, name), bytes)
  const files = new Map<string, Uint8Array>()
  for (const name of ['big.log', 'small.log']) files.set(join(logs, name), await readFile(join(logs, name)))
  const args = (...to: string[]): string[] => [
    ...['ship', logs, '--host', 'web-1', '--state', join(directory, 'state')],
    ...to.flatMap((url) => ['--to', url]),
  ]
  return { directory, logs, files, args, root: join(directory, 'bucket') }
}

function s3Url({ endpoint }: FaultS3, bucket: string): string {
  return `s3://${bucket}?endpoint=${endpoint}`
}

const segmentKeys = (holdings: Holdings): string[] => [...holdings.keys()].filter((key) => key.startsWith('segments/'))

/** What happens to every request to one bucket. */
const always =
  (bucket: string, name: FaultName): FaultRule =>
  (request) =>
    request.bucket === bucket ? faults[name] : undefined

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
    const alone = await setUp()
    const quiet = await serve({ buckets: ['good'] })
    expect((await logcask(alone.args(s3Url(quiet, 'good')))).code).toBe(0)
    const { args } = await setUp()
    const server = await serve({ buckets: ['good', 'denied'] })
    server.fault(always('denied', 'denied'))
    const { code } = await logcask(args(s3Url(server, 'denied'), s3Url(server, 'good')))
    expect(code).toBe(1)
    const puts = (one: FaultS3): number =>
      one.requests.filter(({ operation, status }) => operation === 'PutObject' && status === 200).length
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

describe('a store that says no', () => {
  const wrong: [string, FaultS3Options, RunOptions, RegExp][] = [
    [
      'wrong secret',
      {},
      { env: { AWS_SECRET_ACCESS_KEY: 'nope' } },
      /SignatureDoesNotMatch.*\nfix: .*(secret|AWS_SECRET)/i,
    ],
    [
      'unknown access key',
      {},
      { env: { AWS_ACCESS_KEY_ID: 'who' } },
      /InvalidAccessKeyId.*\nfix: .*(access key|AWS_ACCESS)/i,
    ],
    ['no credentials', {}, { env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' } }, /credentials.*\nfix: /i],
    ['another region', { region: 'eu-west-1' }, { env: { AWS_REGION: 'us-east-1' } }, /\nfix: .*eu-west-1/],
    ['a clock that is off', { clockOffsetMs: 3_600_000 }, {}, /clock|RequestTimeTooSkewed.*\nfix: .*clock/i],
  ]
  it.each(wrong)('%s: ship ends at once with 1, and says what to do', async (_, options, run, message) => {
    const { args } = await setUp()
    const server = await serve(options)
    const { code, stderr } = await logcask(args(s3Url(server, 'bucket')), run)
    expect(stderr).toMatch(/^bucket DOWN /m)
    expect(stderr).toMatch(message)
    expect(code).toBe(1)
    expect(segmentKeys(holdingsOf(server.objects))).toEqual([])
  })

  it('a redirect: ship ends at once with 1, and names the region', async () => {
    const { args } = await setUp()
    const server = await serve()
    server.fault(always('bucket', '301'))
    const { code, stderr } = await logcask(args(s3Url(server, 'bucket')))
    expect(stderr).toMatch(/bucket DOWN .*301.*\nfix: .*eu-west-1/)
    expect(code).toBe(1)
  })

  it('nobody listens: 75 at --timeout, with the address', async () => {
    const { args } = await setUp()
    const server = await startFaultS3()
    await server.close()
    const { code, stderr } = await logcask([...args('s3://bucket?endpoint=http://127.0.0.1:9'), '--timeout', '1s'])
    expect(stderr).toMatch(/bucket LATE .*ECONNREFUSED.*\nfix: /)
    expect(code).toBe(75)
  })

  describe.skipIf(!hasOpenssl)('a certificate', () => {
    let authority: Authority
    beforeAll(async () => {
      authority = await makeAuthority('a test authority')
    })
    afterAll(() => authority.remove())

    it('of an authority that is not known: 1 at once, with --ca as the remedy, which then works', async () => {
      const { files, args } = await setUp()
      const { cert, key } = await authority.issue('store')
      const server = await serve({ tls: { cert, key } })
      const { code, stderr } = await logcask(args(s3Url(server, 'bucket')))
      expect(stderr).toMatch(/bucket DOWN .*\nfix: .*ca/)
      expect(code).toBe(1)
      const trusted = await logcask([...args(s3Url(server, 'bucket')), '--ca', authority.certFile])
      expect(trusted.code).toBe(0)
      expect(compareWithFiles(files, holdingsOf(server.objects))).toMatchObject(whole)
    })
  })
})
