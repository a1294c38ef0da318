import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sha256 } from '../../src/base/hash.ts'
import { listObjects } from '../../src/bucket/bucket.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

const racer = fileURLToPath(new URL('directory-racer.ts', import.meta.url))

function startWriter(root: string, writer: number, count: number, size: number): ChildProcess {
  return spawn(process.execPath, [racer, root, `${writer}`, `${count}`, `${size}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

/** Lets it go, and collects its answers by number; `until` ends it early, by SIGKILL. */
async function answersOf(child: ChildProcess, until?: (lines: number) => boolean): Promise<Map<number, string>> {
  const answers = new Map<number, string>()
  const ended = once(child, 'close')
  child.stdin?.write('go\n')
  for await (const line of createInterface({ input: child.stdout! })) {
    const [at, answer] = line.split(' ')
    answers.set(Number(at), answer!)
    if (until?.(answers.size)) child.kill('SIGKILL')
  }
  await ended
  return answers
}

const bodyOf = (at: number, writer: number, size: number) => sha256(patternBytes(size + writer, 1 + at * 100 + writer))

describe('a directory and many processes', { timeout: 60_000 }, () => {
  it('I2: of four processes that create the same keys, and the store, each key has one winner with its own bytes', async () => {
    const root = join(await tempDirectory(), 'a', 'store')
    const [writers, count, size] = [[1, 2, 3, 4], 60, 5_000]
    const answers = await Promise.all(writers.map((writer) => answersOf(startWriter(root, writer, count, size))))
    const bucket = createDirectoryBucket({ root, create: false }, systemClock)
    for (let at = 0; at < count; at++) {
      const said = answers.map((answer) => answer.get(at))
      expect(said.filter((answer) => answer === 'created')).toHaveLength(1)
      expect(said.filter((answer) => answer === 'exists')).toHaveLength(3)
      const winner = writers[said.indexOf('created')]!
      const got = await bucket.get(`files/${at % 7}/${at}`)
      expect(got && sha256(got.body)).toBe(bodyOf(at, winner, size))
      expect(got?.metadata).toEqual({ writer: `${winner}` })
    }
    expect(await readdir(join(root, '.logcask', 'tmp'))).toEqual([])
  })

  it('I1: SIGKILL in the middle of a PUT leaves whole objects only, and all that were acked', async () => {
    const root = join(await tempDirectory(), 'store')
    const random = seededRandom(20261121)
    const [count, size] = [80, 400_000]
    const acked = new Map<number, string>()
    for (let round = 0; round < 5; round++) {
      const after = random.int(1, 12)
      const answers = await answersOf(startWriter(root, 1, count, size), (lines) => lines >= acked.size + after)
      for (const [at, answer] of answers) acked.set(at, answer)
    }
    const bucket = createDirectoryBucket({ root, create: false }, systemClock)
    const objects = await listObjects(bucket, '')
    expect(objects.length).toBeGreaterThanOrEqual(acked.size)
    for (const { key } of objects) {
      const got = await bucket.get(key)
      expect(got && sha256(got.body), key).toBe(bodyOf(Number(key.split('/')[2]), 1, size))
      expect(got?.metadata).toEqual({ writer: '1' })
    }
    const keys = new Set(objects.map(({ key }) => key))
    expect([...acked.keys()].filter((at) => !keys.has(`files/${at % 7}/${at}`))).toEqual([])
  })
})
