import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { logcask, startLogcask, until } from '../scenarios/logcask-process.ts'
import { faultS3 } from '../support/fault-s3-fixture.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const count = 200
const past = new Date(Date.UTC(2013, 6, 4, 2))
const nameOf = (at: number): string => `haproxy-20130704T0000Z-us-west-2-i-${String(at).padStart(8, '0')}.log`

it('I1, I2: ship --as that is killed again and again has each file once, whole, and overwrites nothing', async () => {
  const directory = await tempDirectory()
  const logs = join(directory, 'logs')
  await mkdir(logs)
  const contents = new Map<string, string>()
  for (let at = 0; at < count; at++) {
    const text = `${at} `.repeat(500 + at)
    await writeFile(join(logs, nameOf(at)), text)
    await utimes(join(logs, nameOf(at)), past, past)
    contents.set(`haproxy/2013/07/04/${nameOf(at)}.gz`, sha256(Buffer.from(text)))
  }
  // One that goes in parts, whatever it is compressed by.
  const large = patternBytes(12 * 1024 * 1024)
  await writeFile(join(logs, nameOf(count)), large)
  await utimes(join(logs, nameOf(count)), past, past)
  contents.set(`haproxy/2013/07/04/${nameOf(count)}.gz`, sha256(large))

  const server = await faultS3()
  const args = [
    'ship',
    logs,
    ...['--as', '{prefix}/{year}/{month}/{day}/{filename}', '--compress', 'gzip', '--host', 'web-1'],
    ...['--to', 's3://bucket/', '--endpoint', server.endpoint, '--state', join(directory, 'state')],
  ]
  const stored = (): string[] => [...server.objects.keys()].filter((key) => key.startsWith('haproxy/'))
  for (let kill = 1; kill <= 4; kill++) {
    const running = startLogcask(args)
    await until(`some of it is there for kill ${kill}`, () => stored().length >= (kill * count) / 5, {
      context: running.stderr,
    })
    running.process.kill('SIGKILL')
    await running.ended
  }
  const last = await logcask(args)
  expect(last.stderr).toContain(`${count + 1} files`)
  expect(last.code).toBe(0)
  expect(stored().sort()).toEqual([...contents.keys()].sort())
  const hashes = stored().map((key) => [key, sha256(gunzipSync(server.objects.body(key) ?? Buffer.alloc(0)))] as const)
  expect(new Map(hashes)).toEqual(contents)
}, 120_000)
