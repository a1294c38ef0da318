import { randomBytes } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { packInSpool } from '../../src/bucket/packed.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const decode = { none: (bytes: Uint8Array) => bytes, gzip: gunzipSync, zstd: zstdDecompressSync }

describe.each(['none', 'gzip', 'zstd'] as const)('packed in the spool: %s', (encoding) => {
  it('a piece is through before the next is asked for: both may be in the same memory', async () => {
    const room = await tempDirectory()
    const memory = Buffer.alloc(300_000)
    const pieces = [10, 1, 70_000, 300_000, 3, 16_384, 65_536, 200_000].map((size, at) => patternBytes(size, at))
    const content = Buffer.concat(pieces)
    async function* source(): AsyncGenerator<Uint8Array> {
      for (const piece of pieces) {
        memory.set(piece)
        yield memory.subarray(0, piece.byteLength)
        memory.fill(0xee)
      }
    }
    const packed = await packInSpool(source(), encoding, room)
    expect(packed).toMatchObject({ length: content.byteLength, sha256: sha256(content), encoding })
    if (packed.body.kind !== 'large') throw new Error('not large')
    const { large } = packed.body
    const bytes = await large.read(0, large.size)
    expect(sha256(bytes)).toBe(large.sha256)
    expect(Buffer.compare(decode[encoding](bytes), content)).toBe(0)
    const into = new Uint8Array(10)
    expect(await large.read(3, 13, into)).toBe(into)
    expect(Buffer.compare(into, bytes.subarray(3, 13))).toBe(0)
    await packed.close()
  })

  it('a source that fails is told, and leaves nothing behind', async () => {
    const room = await tempDirectory()
    const problem = new Error('the chain ended')
    async function* source(): AsyncGenerator<Uint8Array> {
      yield patternBytes(500_000)
      throw problem
    }
    await expect(packInSpool(source(), encoding, room)).rejects.toBe(problem)
    expect(await readdir(room)).toEqual([])
  })

  it('a disk that gets full while the compressor waits for it is told, and nothing waits for ever', async () => {
    const room = await tempDirectory()
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', errno: -28 })
    const one = await open(room, 'r')
    const write = vi.spyOn(Object.getPrototypeOf(one) as typeof one, 'write')
    await one.close()
    // As late as a disk is: until then the compressor has given all that it may without a reader.
    write.mockImplementation(async () => sleep(50).then(() => Promise.reject(full)))
    let isEnded = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield randomBytes(8 * 1024 * 1024)
        yield randomBytes(8 * 1024 * 1024)
      } finally {
        isEnded = true
      }
    }
    try {
      await expect(packInSpool(source(), encoding, room)).rejects.toMatchObject({ code: 'unavailable', cause: full })
    } finally {
      write.mockRestore()
    }
    expect(isEnded).toBe(true)
    expect(await readdir(room)).toEqual([])
  })
})
