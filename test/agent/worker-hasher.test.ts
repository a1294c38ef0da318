import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { Hasher } from '../../src/agent/shipping/hasher.ts'
import { localHasher } from '../../src/agent/shipping/hasher.ts'
import { RunningHash } from '../../src/agent/shipping/running-hash.ts'
import { createWorkerHasher } from '../../src/agent/shipping/worker-hasher.ts'
import { sha256 } from '../../src/base/hash.ts'
import { patternBytes } from '../support/pattern-bytes.ts'

const large = 256 * 1024
const hashers: Hasher[] = []
afterEach(() => {
  for (const hasher of hashers.splice(0)) hasher.close()
})

function make(kind: 'here' | 'in a worker'): Hasher {
  const hasher = kind === 'here' ? localHasher : createWorkerHasher()
  hashers.push(hasher)
  return hasher
}

function segmentOf(hasher: Hasher, seed: number, length: number): Uint8Array {
  const bytes = hasher.allocate(length)
  bytes.set(patternBytes(length, seed))
  return bytes
}

describe.each(['here', 'in a worker'] as const)('hashing %s', (kind) => {
  it.each([
    ['large ones', [large, large, large]],
    ['small after large', [large, 7, large, 1, 0, 9]],
    ['large after small', [7, large, 1, large]],
  ])('gives each segment its SHA-256, and the content its own: %s', async (_, lengths) => {
    const hasher = make(kind)
    const running = new RunningHash(hasher, lengths[0] ?? 0)
    const content = createHash('sha256')
    let given = 0
    let offset = 0
    const digests: Promise<string>[] = []
    const expected: string[] = []
    for (const [number, length] of lengths.entries()) {
      const bytes = segmentOf(hasher, number, length)
      content.update(bytes)
      expected.push(sha256(bytes))
      digests.push(running.hash(offset, bytes, () => given++))
      offset += length
    }
    expect(await Promise.all(digests)).toEqual(expected)
    expect(running.offset).toBe(offset)
    expect(await running.digest()).toBe(content.digest('hex'))
    expect(given).toBe(lengths.length)
  })

  it('takes each stretch once, in order, and hashes all', async () => {
    const hasher = make(kind)
    const running = new RunningHash(hasher, large)
    const [first, second] = [segmentOf(hasher, 1, large), segmentOf(hasher, 2, large)]
    const ahead = running.hash(large, second, () => {})
    const twice = [running.hash(0, first, () => {}), running.hash(0, first, () => {})]
    expect(await ahead).toBe(sha256(second))
    expect(await Promise.all(twice)).toEqual([sha256(first), sha256(first)])
    expect(running.offset).toBe(large)
    expect(await running.digest()).toBe(sha256(first))
  })

  it('two contents do not meet', async () => {
    const hasher = make(kind)
    const both = [1, 2].map((seed) => ({
      running: new RunningHash(hasher, large),
      bytes: segmentOf(hasher, seed, large),
    }))
    await Promise.all(both.map(({ running, bytes }) => running.hash(0, bytes, () => {})))
    for (const { running, bytes } of both) expect(await running.digest()).toBe(sha256(bytes))
  })
})

describe('a worker that ends', () => {
  it('leaves no question open: segments are hashed here, contents are lost', async () => {
    const hasher = make('in a worker')
    const running = new RunningHash(hasher, large)
    const bytes = segmentOf(hasher, 1, large)
    await running.hash(0, bytes, () => {})
    let given = 0
    const open = running.hash(large, bytes, () => given++)
    const digest = running.digest()
    hasher.close()
    expect(await open).toBe(sha256(bytes))
    expect(await digest).toBeUndefined()
    expect(await running.hash(2 * large, bytes, () => given++)).toBe(sha256(bytes))
    expect(await running.digest()).toBeUndefined()
    expect(given).toBe(2)
  })
})
