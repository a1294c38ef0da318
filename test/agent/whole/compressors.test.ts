import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Compressors } from '../../../src/agent/whole/compressors.ts'
import { patternBytes } from '../../support/pattern-bytes.ts'

describe.each(['gzip', 'zstd'] as const)('compressors that are used again: %s', (encoding) => {
  const decode = encoding === 'gzip' ? gunzipSync : zstdDecompressSync

  it('nothing of one body is in the next, whatever their sizes', async () => {
    const compressors = new Compressors()
    for (const size of [0, 1, 70_000, 3, 2_000_000, 16_384, 0, 5]) {
      const bytes = patternBytes(size, size + 1)
      expect(Buffer.compare(decode(await compressors.compress(bytes, encoding)), bytes)).toBe(0)
    }
    compressors.close()
  })

  it('several at once are several', async () => {
    const compressors = new Compressors()
    for (let round = 0; round < 5; round++) {
      const bodies = Array.from({ length: 12 }, (_, at) => patternBytes(10_000 + at, at + round))
      const packed = await Promise.all(bodies.map((bytes) => compressors.compress(bytes, encoding)))
      for (const [at, bytes] of packed.entries()) expect(Buffer.compare(decode(bytes), bodies[at]!)).toBe(0)
    }
    compressors.close()
  })
})
