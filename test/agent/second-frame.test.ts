import { unlinkSync, writeFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Rig, rig, text } from './rig.ts'

let at: Rig
beforeEach(async () => {
  at = await rig()
})
afterEach(() => at.close())

const delivered = text(100_000)
const other = text(50_000, 'other')

it.each([
  ['a zstd file with a second frame', 'zst', [zstdCompressSync(delivered), zstdCompressSync(other)]],
  ['a gzip file with something behind it', 'gz', [gzipSync(delivered), Buffer.from('something else')]],
])(
  'I1: %s is no copy of the stream that its first frame holds: every byte of it is delivered',
  async (_, ending, parts) => {
    const path = join(at.logs, 'app.log')
    writeFileSync(path, delivered)
    await at.once()
    await rename(path, `${path}.1`)
    const packed = Buffer.concat(parts)
    await writeFile(`${path}.1.${ending}`, packed)
    unlinkSync(`${path}.1`)
    await at.once()
    expect([...(await at.contents()).values()].sort()).toEqual([delivered, packed.toString('latin1')].sort())
    expect(await at.aliases()).toEqual([])
  },
)
