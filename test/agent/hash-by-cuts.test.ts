import { expect, it } from 'vitest'
import type { OpenFile } from '../../src/agent/files/files.ts'
import { hashByCuts } from '../../src/agent/identity/inspect.ts'
import { extendRollup } from '../../src/agent/shipping/delivered.ts'
import { sha256 } from '../../src/base/hash.ts'
import { patternBytes } from '../support/pattern-bytes.ts'

const mib = 1024 * 1024

/** A file that tells how much it was asked for at once, and gives less than that. */
function fileOf(bytes: Uint8Array): { file: OpenFile; mostAtOnce: () => number } {
  let most = 0
  const file: OpenFile = {
    identity: '0-1',
    stat: () => ({ size: bytes.byteLength, links: 1, stamp: '', modifiedMs: 0 }),
    async read(into, position) {
      most = Math.max(most, into.byteLength)
      const part = bytes.subarray(position, position + Math.min(into.byteLength, 700_000))
      into.set(part)
      return part.byteLength
    },
    close: async () => {},
  }
  return { file, mostAtOnce: () => most }
}

it('I7: a file is hashed by its segments’ cuts in little memory, however large they are', async () => {
  const bytes = patternBytes(9 * mib + 5, 1)
  const lengths = [1, 3 * mib, 5 * mib, mib + 4]
  const { file, mostAtOnce } = fileOf(bytes)
  let rollup = ''
  let at = 0
  for (const length of lengths) {
    rollup = extendRollup(rollup, sha256(bytes.subarray(at, at + length)))
    at += length
  }
  expect(await hashByCuts({ file, size: bytes.byteLength }, lengths)).toEqual({ sha256: sha256(bytes), rollup })
  expect(mostAtOnce()).toBeLessThanOrEqual(mib)
})

it('of a file that is shorter than its chain it hashes what is there, and ends', async () => {
  const { file } = fileOf(patternBytes(100, 2))
  const { rollup } = await hashByCuts({ file, size: 100 }, [60, 60])
  expect(rollup).toBe(
    extendRollup(extendRollup('', sha256(patternBytes(60, 2))), sha256(patternBytes(100, 2).subarray(60))),
  )
})
