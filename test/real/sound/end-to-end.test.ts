import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/base/hash.ts'
import { listObjects } from '../../../src/bucket/bucket.ts'
import { createS3Bucket } from '../../../src/bucket/s3.ts'
import { agentHistory } from '../../crash/histories/agent-history.ts'
import { wrongsOf } from '../../crash/histories/outcome.ts'
import { byChance } from '../../crash/killer.ts'
import { Site } from '../../crash/site.ts'
import { lineOf } from '../../crash/table.ts'
import { type Ended, logcask } from '../../scenarios/logcask-process.ts'
import { compareWithFiles, type Holdings, holdingsBelow } from '../../scenarios/stored-content.ts'
import { patternBytes } from '../../support/pattern-bytes.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { bareStore, store, storeEnv } from '../store.ts'

for (const [name, value] of Object.entries(storeEnv)) vi.stubEnv(name, value)

const host = 'web-1'
const nothingWrong = { lost: 0, doubled: 0, different: [] }

/** A bucket for commands: its URL, and what a reader without Logcask would find in it. */
async function newDestination(): Promise<{ url: string; read(): Promise<Holdings> }> {
  const { name, close } = await bareStore()
  close()
  const prefix = 'logs/'
  return {
    url: `s3://${name}/${prefix}`,
    async read() {
      const bucket = createS3Bucket({ bucket: name, prefix }, systemClock)
      const holdings = new Map<string, Buffer>()
      for (const { key } of await listObjects(bucket, '')) {
        holdings.set(key, Buffer.from((await bucket.get(key))?.body ?? []))
      }
      await bucket.close()
      return holdings
    },
  }
}

/** `logcask ARGS` against the server. */
const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  logcask(args, { env: { ...storeEnv, ...env } })

/** Names that have broken shippers, and sizes around a segment's. */
async function writeLogs(directory: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  const names = ['app.log', 'with space.log', 'with\nnewline', '[x]{y}*?.log', 'é ü 日本.log', `${'n'.repeat(251)}.log`]
  await mkdir(join(directory, 'deep/er'), { recursive: true })
  const sizes = [1, 0, 4096, 70_000, 20 * 1024 * 1024, 333]
  for (const [at, name] of [...names, 'deep/er/app.log'].entries()) {
    const path = join(directory, name)
    files.set(path, patternBytes(sizes[at % sizes.length] ?? 0, at))
    await writeFile(path, files.get(path) ?? '')
  }
  return files
}

describe(`end to end on ${store.name}`, () => {
  it('I1, I3: ship delivers each file once; again, and without local state, it sends nothing', async () => {
    const directory = await tempDirectory('ship')
    const logs = join(directory, 'logs')
    const files = await writeLogs(logs)
    const { url, read } = await newDestination()
    const copy = `file://${join(directory, 'bucket')}`
    const state = join(directory, 'state')
    const ship = ['ship', logs, '--to', url, '--to', copy, '--host', host, '--state', state, '--receipt', '--json']

    const first = await run(ship)
    expect(first).toMatchObject({ code: 0 })
    const receipts = first.stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Receipt)
    expect(new Map(receipts.map(({ path, sha256 }) => [path, sha256]))).toEqual(
      new Map([...files].map(([path, bytes]) => [path, sha256(bytes)])),
    )
    const delivered = await read()
    expect(compareWithFiles(files, delivered)).toMatchObject(nothingWrong)
    expect(compareWithFiles(files, await holdingsBelow(join(directory, 'bucket')))).toMatchObject(nothingWrong)

    expect(await run(ship)).toMatchObject({ code: 0, stderr: expect.stringContaining('0 segments sent') })
    await rm(state, { recursive: true })
    expect(await run(ship)).toMatchObject({ code: 0, stderr: expect.stringContaining('0 segments sent') })
    expect([...(await read()).keys()]).toEqual([...delivered.keys()])

    for (const [path, bytes] of files) {
      const { code, stdout, stderr } = await run(['cat', url, host, path])
      expect({ path, code, stderr, same: stdout.equals(bytes) }).toMatchObject({ path, code: 0, same: true })
    }
  })

  it('I1: an agent that is killed again and again loses and doubles nothing, and compact gives every file back', async () => {
    const { url, read } = await newDestination()
    const stores = [{ name: store.name, url, endpoint: store.endpoint, read }]
    const site = await Site.create('real', { stores, env: storeEnv })
    onTestFinished(() => site.close())
    const outcome = await agentHistory(site, byChance, 5, seededRandom(11))
    process.stdout.write(`${lineOf(store.name, [outcome])}\n`)
    expect(wrongsOf(outcome)).toEqual([])

    const published = join(site.directory, 'published')
    expect(await run(['compact', '--once', '--from', url, '--to', published])).toMatchObject({ code: 0 })
    const wanted = [...(await site.files()).values()].filter((bytes) => bytes.byteLength > 0).map(sha256)
    expect((await contentsBelow(published)).sort()).toEqual(wanted.sort())
  })

  it.skipIf(process.env.LOGCASK_TEST_AWS === undefined)(
    'aws s3 cp and cat give a file back, without Logcask',
    async () => {
      const directory = await tempDirectory('aws')
      const log = join(directory, 'big.log')
      // Several segments, so that the order of their names matters.
      const bytes = patternBytes(40 * 1024 * 1024, 1)
      await writeFile(log, bytes)
      const { url, read } = await newDestination()
      expect(await run(['ship', log, '--to', url, '--host', host, '--state', join(directory, 'state')])).toMatchObject({
        code: 0,
      })
      const key = [...(await read()).keys()].find((one) => one.startsWith(`segments/${host}/`)) ?? ''
      const stream = key.split('/').slice(0, 3).join('/')
      const script = '"$AWS" s3 cp --quiet --endpoint-url "$AWS_ENDPOINT_URL_S3" --recursive "$FROM" d >&2 && cat d/*'
      const whole = await new Promise<Buffer>((resolve, reject) => {
        const env = { ...process.env, AWS: process.env.LOGCASK_TEST_AWS, FROM: `${url}${stream}/` }
        const options = { cwd: directory, env, encoding: 'buffer', maxBuffer: 2 * bytes.byteLength } as const
        execFile('sh', ['-c', script], options, (error, stdout) => (error ? reject(error) : resolve(stdout)))
      })
      expect(sha256(whole)).toBe(sha256(bytes))
      expect((await readdir(join(directory, 'd'))).length).toBeGreaterThan(1)
    },
  )

  it.skipIf(process.env.LOGCASK_TEST_AWS === undefined)(
    'another reader, in Python and made from docs/format.md, gives every file back',
    async () => {
      const directory = await tempDirectory('reader')
      const logs = { 'one.log': patternBytes(9 * 1024 * 1024, 3), 'café.log': Buffer.from('a line\n'), 'none.log': '' }
      for (const [name, bytes] of Object.entries(logs)) await writeFile(join(directory, name), bytes)
      const { url } = await newDestination()
      const paths = Object.keys(logs).map((name) => join(directory, name))
      const ship = ['ship', ...paths, '--to', url, '--host', host, '--state', join(directory, 'state')]
      expect(await run(ship)).toMatchObject({ code: 0 })
      const python = join(dirname(process.env.LOGCASK_TEST_AWS ?? ''), 'python')
      const reader = fileURLToPath(new URL('../../../docs/format/reader.py', import.meta.url))
      const read = async (...args: string[]): Promise<Buffer> => {
        const options = { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 } as const
        return (await promisify(execFile)(python, [reader, ...args], options)).stdout
      }
      const rows = (await read('ls', url)).toString().trim().split('\n')
      expect(rows.map((row) => row.split('\t')[1])).toEqual(['sealed', 'sealed', 'sealed'])
      for (const row of rows) {
        const [, , at = '', stream = '', path = ''] = row.split('\t')
        const bytes = logs[basename(JSON.parse(path) as string) as keyof typeof logs]
        expect(sha256(await read('cat', url, at, stream))).toBe(sha256(Buffer.from(bytes)))
      }
    },
  )

  it('a misspelt bucket ends with 1 at once, and says what to do', async () => {
    const directory = await tempDirectory('misspelt')
    await writeFile(join(directory, 'a.log'), 'a line\n')
    const ship = ['ship', join(directory, 'a.log'), '--host', host, '--state', join(directory, 'state')]
    const { code, stderr } = await run([...ship, '--to', 's3://logcask-misspelt-bucket/'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/logcask-misspelt-bucket/)
    expect(stderr).toMatch(/fix: /)
  })

  it.skipIf(!store.verifiesSecret)('a wrong secret ends with 1 at once, and says what to do', async () => {
    const directory = await tempDirectory('secret')
    await writeFile(join(directory, 'a.log'), 'a line\n')
    const { url } = await newDestination()
    const ship = ['ship', join(directory, 'a.log'), '--host', host, '--state', join(directory, 'state'), '--to', url]
    const { code, stderr } = await run(ship, { AWS_SECRET_ACCESS_KEY: 'no-secret-of-ours' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/fix: /)
  })
})

interface Receipt {
  path: string
  sha256: string
}

/** SHA-256 of each file below a directory, but of what is the compactor's own. */
async function contentsBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.slice(directory.length + 1).startsWith('.'))
  return Promise.all(paths.map(async (path) => sha256(await readFile(path))))
}
