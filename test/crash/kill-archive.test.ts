import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sha256 } from '../../src/base/hash.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { logcask, startLogcask, until } from '../scenarios/logcask-process.ts'
import { faultS3 } from '../support/fault-s3-fixture.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const small = 60
const rounds = 3

it('I1, I2: of compactors that share an archive and are killed again and again, every object is there once, and right', async () => {
  const seed = 20261121
  const random = seededRandom(seed)
  const directory = await tempDirectory('kill-archive')
  const root = join(directory, 'bucket')
  const bucket = createDirectoryBucket({ root, create: true }, systemClock)
  const expected = new Map<string, string>()
  for (let at = 0; at < small + 2; at++) {
    const host = `web-${at % 4}`
    const stored = storedStream(bucket, host, `0-${at}`, `/log/${at}`)
    // Two go in parts, however they are compressed.
    const content = at < small ? random.bytes(random.int(1, 40_000)) : patternBytes(9 * 1024 * 1024 + at)
    for (let from = 0; from < content.length; from += 4_000_000)
      await stored.append(content.subarray(from, from + 4_000_000))
    await stored.seal()
    expected.set(`host=${host}/date=none/${at}~0-${at}-${content.length}.gz`, sha256(content))
  }
  const server = await faultS3({ versioned: true })
  const archived = (): string[] => server.objects.keys().filter((key) => key.startsWith('host='))
  const args = [
    ...['compact', '--from', pathToFileURL(root).href, '--archive', 's3://bucket/', '--endpoint', server.endpoint],
    ...['--spool', join(directory, 'spool')],
  ]
  for (let round = 1; round <= rounds; round++) {
    const running = Array.from({ length: round === rounds ? 4 : 2 }, () =>
      startLogcask([...args, '--interval', '10ms']),
    )
    const enough = Math.floor((round * expected.size) / (rounds + 1))
    await until(`${enough} objects are there`, () => archived().length >= enough, {
      context: () => running.map(({ stderr }) => stderr()).join('\n'),
    })
    for (const one of running) one.process.kill('SIGKILL')
    await Promise.all(running.map(({ ended }) => ended))
    expect(archived().length).toBeLessThan(expected.size)
  }
  const last = await Promise.all([logcask([...args, '--once']), logcask([...args, '--once'])])
  expect(last.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0])
  const found = archived().map((key) => [key, sha256(gunzipSync(server.objects.body(key) ?? Buffer.alloc(0)))] as const)
  expect(new Map(found), `seed ${seed}`).toEqual(expected)
  for (const key of archived()) expect([key, server.objects.versions(key).length]).toEqual([key, 1])
  await bucket.close()
}, 180_000)
