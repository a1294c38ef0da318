import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type StoredStream, storedStream } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const kills = 12

describe('a compactor that is killed', () => {
  it('I1, I8: at random points, again and again: files only grow, and end up identical', async () => {
    const seed = 20261121
    const random = seededRandom(seed)
    const directory = await tempDirectory('killed')
    const root = join(directory, 'bucket')
    const to = join(directory, 'out')
    const bucket = createDirectoryBucket({ root, create: true }, systemClock)
    const streams = Array.from({ length: 4 }, (_, at) => storedStream(bucket, 'web-1', `0-${at + 1}`, `/log/${at}`))
    const fileOf = ({ stream, origin }: StoredStream): string => join(to, `web-1${origin.path}~${stream}`)
    const seen = new Map<StoredStream, number>()

    /** Whatever is published is the beginning of the stream, and no shorter than ever before. */
    const look = async (): Promise<void> => {
      for (const one of streams) {
        const published = await readFile(fileOf(one)).catch(() => Buffer.alloc(0))
        expect(published.equals(one.content.subarray(0, published.length)), `seed ${seed}`).toBe(true)
        expect(published.length).toBeGreaterThanOrEqual(seen.get(one) ?? 0)
        seen.set(one, published.length)
      }
    }
    const deliver = async (): Promise<void> => {
      for (const one of streams) await one.append(random.bytes(random.int(1, 30_000)))
    }
    const start = (...more: string[]) =>
      spawn(process.execPath, [main, 'compact', '--from', pathToFileURL(root).href, '--to', to, ...more], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })

    await deliver()
    for (let kill = 0; kill < kills; kill++) {
      const compactor = start('--interval', '1ms')
      const exited = once(compactor, 'exit')
      await once(compactor.stderr, 'data')
      const endAt = performance.now() + random.int(0, 150)
      while (performance.now() < endAt) {
        await deliver()
        await look()
      }
      compactor.kill('SIGKILL')
      await exited
      await look()
    }
    for (const one of streams) await one.seal()
    const last = start('--once', '--json')
    const output: Buffer[] = []
    last.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    const [code] = await once(last, 'close')
    const lines = Buffer.concat(output).toString().trimEnd().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ streams: 4, sealed: 4, mismatches: 0, problems: 0 })
    expect(code).toBe(0)
    await look()
    for (const one of streams) expect(seen.get(one)).toBe(one.content.length)
    await bucket.close()
  })
})
