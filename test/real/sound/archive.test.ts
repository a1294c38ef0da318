import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/base/hash.ts'
import { listObjects } from '../../../src/bucket/bucket.ts'
import { createDirectoryBucket } from '../../../src/bucket/directory.ts'
import { createS3Bucket } from '../../../src/bucket/s3.ts'
import { logcask } from '../../scenarios/logcask-process.ts'
import { patternBytes } from '../../support/pattern-bytes.ts'
import { storedStream } from '../../support/stored-stream.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { bareStore, storeEnv } from '../store.ts'

for (const [name, value] of Object.entries(storeEnv)) vi.stubEnv(name, value)

it('I1, I2: two compactors archive each stream once, and know it again', async () => {
  const root = join(await tempDirectory(), 'bucket')
  const from = createDirectoryBucket({ root, create: true }, systemClock)
  const expected = new Map<string, string>()
  for (const [at, size] of [0, 1, 70_000, 9 * 1024 * 1024].entries()) {
    const stored = storedStream(from, 'web 1', `0-${at + 1}`, '/var/log/ä.log')
    const content = patternBytes(size, at)
    for (let start = 0; start < size; start += 4_000_000)
      await stored.append(content.subarray(start, start + 4_000_000))
    await stored.seal()
    expected.set(`host=web=201/date=none/=C3=A4.log~0-${at + 1}-${size}.gz`, sha256(content))
  }
  const { name, close } = await bareStore()
  close()
  const args = ['compact', '--from', pathToFileURL(root).href, '--archive', `s3://${name}/logs`, '--once']
  const run = () => logcask(args, { env: storeEnv })
  const both = await Promise.all([run(), run()])
  expect(both.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0])
  expect((await run()).stderr).toBe('archive: nothing new\n')
  const archive = createS3Bucket({ bucket: name, prefix: 'logs/' }, systemClock)
  const found = new Map<string, string>()
  for (const { key } of await listObjects(archive, 'host='))
    found.set(key, sha256(gunzipSync((await archive.get(key))?.body ?? new Uint8Array(0))))
  await Promise.all([archive.close(), from.close()])
  expect(found).toEqual(expected)
}, 120_000)
