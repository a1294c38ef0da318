import { mkdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/base/hash.ts'
import { listObjects } from '../../../src/bucket/bucket.ts'
import { largeWay } from '../../../src/bucket/probe-large.ts'
import { createS3Bucket } from '../../../src/bucket/s3.ts'
import { logcask } from '../../scenarios/logcask-process.ts'
import { patternBytes } from '../../support/pattern-bytes.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { bareStore, openStore, store, storeEnv } from '../store.ts'

for (const [name, value] of Object.entries(storeEnv)) vi.stubEnv(name, value)

/** By facts/s3.md section 2: where completions keep If-None-Match, in a race too. moto and LocalStack lose races by chance. */
const ways: Readonly<Record<string, 'parts' | 'one'>> = { versitygw: 'parts', ministack: 'parts', 'ceph-rgw': 'one' }

it('large bodies go the way that the store does right', async (context) => {
  const expected = ways[store.name]
  if (expected === undefined) context.skip(`${store.name} lets several completions of a race win, or not, by chance`)
  const { bucket } = await openStore()
  expect(await largeWay({ bucket, host: 'web-1', clock: systemClock, signal: undefined })).toBe(expected)
  await bucket.close()
}, 60_000)

it('I1, I2: ship --as delivers small and large files once, and knows them again without any state', async () => {
  const directory = await tempDirectory()
  const logs = join(directory, 'logs')
  await mkdir(logs)
  const files = new Map<string, Uint8Array>()
  for (const [at, size] of [0, 1, 70_000, 12 * 1024 * 1024, 21 * 1024 * 1024].entries()) {
    const name = `haproxy-20130704T0${at}00Z-us-west-2-i-ae23fega.log`
    files.set(`haproxy/2013/07/04/${name}.gz`, patternBytes(size, at))
    await writeFile(join(logs, name), files.get(`haproxy/2013/07/04/${name}.gz`) ?? '')
    await utimes(join(logs, name), 1372900000, 1372900000)
  }
  const { name: bucketName, close } = await bareStore()
  close()
  const ship = () =>
    logcask(
      [
        'ship',
        logs,
        '--to',
        `s3://${bucketName}/{prefix}/{year}/{month}/{day}/{filename}`,
        '--compress',
        'gzip',
      ].concat(['--host', 'web-1', '--state', join(directory, 'state')]),
      { env: storeEnv },
    )
  const first = await ship()
  expect(first.stderr).toContain('5 objects sent')
  expect(first.code).toBe(0)
  await rm(join(directory, 'state'), { recursive: true })
  const again = await ship()
  expect(again.stderr).toContain('0 objects sent · 5 already there')
  expect(again.code).toBe(0)

  const bucket = createS3Bucket({ bucket: bucketName, prefix: '' }, systemClock)
  const objects = (await listObjects(bucket, '')).filter(({ key }) => !key.startsWith('probes/'))
  expect(objects.map(({ key }) => key)).toEqual([...files.keys()])
  for (const [key, bytes] of files) {
    const got = await bucket.get(key)
    expect(sha256(gunzipSync(got?.body ?? new Uint8Array()))).toBe(sha256(bytes))
    expect(got?.metadata['raw-sha256']).toBe(sha256(bytes))
  }
  await bucket.close()
}, 120_000)
