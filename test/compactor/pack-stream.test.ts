import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { packStream } from '../../src/compactor/archive/pack-stream.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const MiB = 1024 * 1024

describe('a long content that is sent while it is read', () => {
  it('begins anew while a read of the try before still waits for the store: nothing of that one is taken for its own', async () => {
    const pieces = [1, 2, 3].map((seed) => patternBytes(2 * MiB, seed))
    const content = Buffer.concat(pieces)
    let resume = (): void => {}
    const waits = new Promise<void>((resolve) => {
      resume = resolve
    })
    let begun = 0
    const source = async function* (): AsyncGenerator<Uint8Array> {
      const isFirst = begun++ === 0
      for (const [at, piece] of pieces.entries()) {
        // The store is slow, once.
        if (isFirst && at === 1) await waits
        const memory = Uint8Array.from(piece)
        try {
          yield memory
        } finally {
          // It has another owner now.
          memory.fill(0xee)
        }
      }
    }
    const facts = { length: content.byteLength, sealed: [sha256(content)], encoding: 'none' } as const
    const packed = await packStream(source, facts, await tempDirectory())
    if (packed.body.kind !== 'large') throw new Error('not large')
    const { large } = packed.body
    for (let at = 0; at < 2 * MiB; at += MiB) await large.read(at, at + MiB)
    // A PUT broke off, and does not wait for the read that it has asked for.
    const left = large.read(2 * MiB, 3 * MiB).catch(() => {})
    const again: Promise<Uint8Array> = large.read(0, MiB)
    resume()
    const sent = [await again]
    for (let at = MiB; at < large.size; at += MiB) sent.push(await large.read(at, at + MiB))
    expect(Buffer.compare(Buffer.concat(sent), content)).toBe(0)
    await left
    await packed.close()
  })
})
