import { execFileSync } from 'node:child_process'
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeDirectory, syncDirectory, writeAtomically, writeFully } from '../../src/base/atomic-file.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount, mounted } from '../support/mounts.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

describe('writeAtomically', () => {
  it('makes and replaces a file as a whole, and leaves nothing beside it', async () => {
    const path = join(await tempDirectory(), 'state.json')
    for (const size of [10, 1_000_000, 0, 5]) {
      const bytes = patternBytes(size, size + 1)
      await writeAtomically(path, bytes)
      expect(new Uint8Array(await readFile(path))).toEqual(bytes)
    }
    expect(await readdir(join(path, '..'))).toEqual(['state.json'])
  })

  it('has the mode that it was given, for the owner only by default', async () => {
    const directory = await tempDirectory()
    await writeAtomically(join(directory, 'secret'), Buffer.from('x'))
    await writeAtomically(join(directory, 'open'), Buffer.from('x'), 0o640)
    expect((await stat(join(directory, 'secret'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'open'))).mode & 0o777).toBe(0o640)
  })

  it('a reader beside it sees the old bytes or the new ones, never a part', async () => {
    const path = join(await tempDirectory(), 'state')
    const versions = Array.from({ length: 20 }, (_, at) => Buffer.alloc(200_000, at + 1))
    await writeAtomically(path, versions[0]!)
    let isWriting = true
    const reading = (async () => {
      for (let reads = 0; isWriting || reads === 0; reads++) {
        const seen = await readFile(path)
        expect(seen.length).toBe(200_000)
        expect(seen.equals(Buffer.alloc(200_000, seen[0]))).toBe(true)
      }
    })()
    for (const version of versions) await writeAtomically(path, version)
    isWriting = false
    await reading
  })

  it('several writers at once leave one of their versions', async () => {
    const path = join(await tempDirectory(), 'state')
    await Promise.all([1, 2, 3, 4].map((value) => writeAtomically(path, Buffer.alloc(50_000, value))))
    const seen = await readFile(path)
    expect(seen.equals(Buffer.alloc(50_000, seen[0]))).toBe(true)
    expect(await readdir(join(path, '..'))).toEqual(['state'])
  })

  it('rejects with the system’s error where it cannot write, and makes nothing', async () => {
    const directory = await tempDirectory()
    await expect(writeAtomically(join(directory, 'missing', 'state'), Buffer.from('x'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
    await mkdir(join(directory, 'taken', 'below'), { recursive: true })
    await expect(writeAtomically(join(directory, 'taken'), Buffer.from('x'))).rejects.toThrow()
    expect(await readdir(directory)).toEqual(['taken'])
  })

  it.skipIf(!canMount())('a full disk: the old file still stands, whole, and nothing is left beside it', async () => {
    const directory = join(await tempDirectory(), 'mount')
    await mounted(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'], directory, async () => {
      const path = join(directory, 'state')
      const old = patternBytes(300_000)
      await writeAtomically(path, old)
      await expect(writeAtomically(path, patternBytes(2_000_000))).rejects.toMatchObject({ code: 'ENOSPC' })
      expect(new Uint8Array(await readFile(path))).toEqual(old)
      expect(await readdir(directory)).toEqual(['state'])
      execFileSync('mount', ['-o', 'remount,ro', directory])
      await expect(writeAtomically(path, Buffer.from('x'))).rejects.toMatchObject({ code: 'EROFS' })
    })
  })
})

describe('writeFully', () => {
  it('writes at a position, and goes on after short writes', async () => {
    const path = join(await tempDirectory(), 'file')
    await writeFile(path, 'abcdef')
    const handle = await open(path, 'r+')
    try {
      await writeFully(handle, Buffer.from('XY'), 2)
      await writeFully(handle, new Uint8Array(), 0)
      // A disk that is nearly full takes a part; here the handle takes three bytes at a time.
      const short = {
        write: (bytes: Uint8Array, offset: number, length: number, position: number) =>
          handle.write(bytes, offset, Math.min(3, length), position),
      }
      await writeFully(short as typeof handle, Buffer.from('0123456789'), 4)
    } finally {
      await handle.close()
    }
    expect(await readFile(path, 'utf8')).toBe('abXY0123456789')
  })
})

describe('directories', () => {
  it('makeDirectory makes all of the way, and again without harm', async () => {
    const path = join(await tempDirectory(), 'a', 'b', 'c')
    await makeDirectory(path, 0o700)
    await makeDirectory(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
  })

  it('makeDirectory rejects where a file is in the way', async () => {
    const directory = await tempDirectory()
    await writeFile(join(directory, 'file'), 'x')
    await expect(makeDirectory(join(directory, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(makeDirectory(join(directory, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
  })

  it('syncDirectory rejects for a directory that is not there', async () => {
    const directory = await tempDirectory()
    await syncDirectory(directory)
    await expect(syncDirectory(join(directory, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
