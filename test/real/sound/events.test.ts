import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/base/hash.ts'
import { listObjects } from '../../../src/bucket/bucket.ts'
import { createS3Bucket } from '../../../src/bucket/s3.ts'
import { endNow, type Running, startLogcask, until } from '../../scenarios/logcask-process.ts'
import { patternBytes } from '../../support/pattern-bytes.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { storedStream } from '../../support/stored-stream.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { notifyingStore } from '../queue.ts'
import { bareStore, store, storeEnv } from '../store.ts'

for (const [name, value] of Object.entries(storeEnv)) vi.stubEnv(name, value)

const why = store.hasQueues ? '' : ` (not run: ${store.name} has no queues)`
const day = '24h'

it.skipIf(!store.hasQueues)(
  `what the bucket says reaches the directory, with nothing polled${why}`,
  async () => {
    const { name, queueUrl, messages, removeQueue, make, close } = await notifyingStore()
    const bucket = createS3Bucket({ bucket: name, prefix: 'pre fix+ä/' }, systemClock)
    const to = join(await tempDirectory('events'), 'out')
    const args = [
      'compact',
      '--from',
      `s3://${name}/pre%20fix+ä`,
      '--to',
      to,
      '--events',
      queueUrl,
      '--list-every',
      day,
    ]
    let compactor = startLogcask(args, { env: storeEnv })
    const context = (): string => compactor.stderr()
    await until('all is listed', () => /^listed /m.test(compactor.stderr()), { context })

    const streams = ['web 1', 'db=1'].map((host, at) => storedStream(bucket, host, `0-${at + 1}`, '/var/log/ä b.log'))
    const fileOf = (host: string, stream: string): string =>
      join(to, host.replace(' ', '=20').replace('db=', 'db=3D'), `var/log/ä b.log~${stream}`)
    const isPublished = async (): Promise<boolean> => {
      for (const { host, stream, content } of streams) {
        const published = await readFile(fileOf(host, stream)).catch(() => undefined)
        if (published?.equals(content) !== true) return false
      }
      return true
    }
    for (let round = 0; round < 5; round++) {
      for (const [at, one] of streams.entries()) await one.append(patternBytes(1000 * round + at + 1, round))
      if (round % 2 === 0) {
        // In the middle of it, maybe: what it had in hand comes again, and it goes on from what it had published.
        await endNow(compactor)
        compactor = startLogcask(args, { env: storeEnv })
      }
      await until(`round ${round}`, isPublished, { context })
    }
    for (const one of streams) await one.seal()
    const sealed = (): number => [...compactor.stderr().matchAll(/^sealed /gm)].length
    await until('seals', () => sealed() === 2, { context })
    const isEmpty = async (): Promise<boolean> => Object.values(await messages()).every((count) => count === 0)
    await until('no message is left', isEmpty, { withinMs: 200_000, everyMs: 500, context })

    await removeQueue()
    await until('that it is gone is said', () => /no events/.test(compactor.stderr()), { withinMs: 90_000, context })
    await streams[0]?.append('polled\n')
    await until('polled', isPublished, { withinMs: 90_000, context })
    await make()
    await until('it is back', () => /is back/.test(compactor.stderr()), { withinMs: 120_000, context })
    await streams[1]?.append('by message\n')
    await until('by message', isPublished, { context })
    compactor.process.kill('SIGTERM')
    expect((await compactor.ended).code).toBe(0)
    expect((await stat(fileOf('web 1', '0-1'))).size).toBe(streams[0]?.content.length)
    await bucket.close()
    close()
  },
  400_000,
)

it.skipIf(!store.hasQueues)(
  `I1, I2: three compactors share a queue and an archive, killed again and again${why}`,
  async () => {
    const random = seededRandom(20261123)
    const { name, queueUrl, messages, close } = await notifyingStore()
    const { name: target, close: closeTarget } = await bareStore()
    closeTarget()
    const bucket = createS3Bucket({ bucket: name, prefix: '' }, systemClock)
    const from = ['compact', '--from', `s3://${name}`, '--archive', `s3://${target}`]
    const running: Running[] = []
    const start = (): void =>
      void running.push(startLogcask([...from, '--events', queueUrl, '--list-every', day], { env: storeEnv }))
    const context = (): string => running.map((one) => one.stderr()).join('\n--\n')
    for (let at = 0; at < 3; at++) start()

    const expected = new Map<string, string>()
    const deliver = async (count: number): Promise<void> => {
      for (let made = 0; made < count; made++) {
        const number = expected.size + 1
        const one = storedStream(bucket, `web-${number % 3}`, `0-${number.toString(36)}`, `/log/${number % 5}`)
        const size = random.int(1, 60_000)
        const isFinal = random.chance(0.3)
        if (isFinal) await one.finish(random.bytes(size))
        else {
          await one.append(random.bytes(size))
          await one.append(random.bytes(random.int(1, 9000)))
          await one.seal()
        }
        const { host, stream, content, origin } = one
        expected.set(`host=${host}/date=none/${basename(origin.path)}~${stream}-${content.length}.gz`, sha256(content))
      }
    }
    for (let kill = 0; kill < 8; kill++) {
      await deliver(4)
      const victim = running.filter(({ process: child }) => child.signalCode === null)[random.int(0, 2)]
      await new Promise((resolve) => setTimeout(resolve, random.int(0, 1500)))
      if (victim) await endNow(victim)
      start()
    }
    await deliver(4)
    const archive = createS3Bucket({ bucket: target, prefix: '' }, systemClock)
    const keys = async (): Promise<string[]> => (await listObjects(archive, 'host=')).map(({ key }) => key).sort()
    await until('all are archived', async () => (await keys()).length >= expected.size, { withinMs: 200_000, context })
    await until('no message is left', async () => Object.values(await messages()).every((count) => count === 0), {
      withinMs: 200_000,
      everyMs: 500,
      context,
    })
    expect(await keys()).toEqual([...expected.keys()].sort())
    for (const [key, content] of expected)
      expect(sha256(gunzipSync((await archive.get(key))?.body ?? new Uint8Array(0))), key).toBe(content)
    for (const one of running) one.process.kill('SIGTERM')
    const ends = await Promise.all(running.map(({ ended }) => ended))
    expect(ends.filter(({ signal }) => signal === null).map(({ code }) => code)).toEqual([0, 0, 0])
    await Promise.all([archive.close(), bucket.close()])
    close()
  },
  600_000,
)
