import { execFileSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { type Bucket, listNames, listObjects } from '../../src/bucket/bucket.ts'
import { createDirectoryBucket, storeId } from '../../src/bucket/directory.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount, mounted } from '../support/mounts.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const put = (bucket: Bucket, key: string, body = 'x', metadata = {}) =>
  bucket.put(key, text(body), { mode: 'create', metadata })
const open = (root: string, create = true) => createDirectoryBucket({ root, create }, systemClock)
const keysOf = async (bucket: Bucket, prefix = '') => (await listObjects(bucket, prefix)).map(({ key }) => key)

async function newStore() {
  const root = join(await tempDirectory('store'), 'store')
  const bucket = open(root)
  await put(bucket, 'files/first', 'first')
  return { root, bucket }
}

describe('the store and its place', () => {
  it('I4: where no store is, nothing is read, listed or written, and nothing is made', async () => {
    const root = join(await tempDirectory(), 'mount')
    for (const makeRoot of [false, true]) {
      if (makeRoot) await mkdir(root)
      const bucket = open(root, false)
      const expected = { code: 'unavailable', hint: `is it mounted? look: df ${root}` }
      await expect(put(bucket, 'files/a')).rejects.toMatchObject(expected)
      await expect(bucket.get('files/a')).rejects.toMatchObject(expected)
      await expect(bucket.head('files/a')).rejects.toMatchObject(expected)
      await expect(keysOf(bucket)).rejects.toMatchObject(expected)
    }
    expect(await readdir(root)).toEqual([])
  })

  it('I4: a store that goes away is unavailable until it is back, also where it might have been made', async () => {
    const { root, bucket } = await newStore()
    await rename(root, `${root}.away`)
    for (const isThere of [false, true]) {
      if (isThere) await mkdir(root)
      await expect(put(bucket, 'files/b')).rejects.toMatchObject({ code: 'unavailable' })
      await expect(bucket.get('files/first')).rejects.toMatchObject({ code: 'unavailable' })
      await expect(bucket.get('files/never')).rejects.toMatchObject({ code: 'unavailable' })
      await expect(keysOf(bucket)).rejects.toMatchObject({ code: 'unavailable' })
    }
    expect(await readdir(root)).toEqual([])
    await rm(root, { recursive: true })
    await rename(`${root}.away`, root)
    expect(await put(bucket, 'files/b')).toBe('created')
    expect(await keysOf(bucket)).toEqual(['files/b', 'files/first'])
  })

  it('I4: a listing in whose middle the store goes away rejects', async () => {
    const { root, bucket } = await newStore()
    await put(bucket, 'files/second')
    const reading = (async () => {
      for await (const _ of bucket.list(''))
        if (await stat(root).catch(() => undefined)) await rename(root, `${root}.away`)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('another store in its place is refused', async () => {
    const { root, bucket } = await newStore()
    await rename(root, `${root}.away`)
    await put(open(root), 'files/other')
    await expect(bucket.get('files/first')).rejects.toMatchObject({ code: 'refused' })
    await expect(put(bucket, 'files/b')).rejects.toThrow(/is another store than before/)
  })

  it('a store is made where nothing is, in an empty directory, and on a fresh file system', async () => {
    const base = await tempDirectory()
    await mkdir(join(base, 'empty'))
    await mkdir(join(base, 'fresh', 'lost+found'), { recursive: true })
    for (const place of ['new/deep/er', 'empty', 'fresh']) {
      const root = join(base, place)
      expect(await storeId(root)).toBeUndefined()
      expect(await put(open(root), 'files/a')).toBe('created')
      expect(await storeId(root)).toMatch(/^[0-9a-f]{32}$/)
      expect(await keysOf(open(root, false))).toEqual(['files/a'])
    }
  })

  it('a first request that reads makes the store as well', async () => {
    const root = join(await tempDirectory(), 'store')
    expect(await open(root).get('probes/web-1/verdict')).toBeUndefined()
    expect(await keysOf(open(root, false))).toEqual([])
  })

  it('a directory with something else in it is refused, and left as it is', async () => {
    const root = await tempDirectory()
    await writeFile(join(root, 'thesis.txt'), 'x')
    await expect(put(open(root), 'files/a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/is not empty, and no store of ours$/),
      hint: expect.stringMatching(/such as file:.*\/logcask$/),
    })
    expect(await readdir(root)).toEqual(['thesis.txt'])
  })

  it('a file where the root should be is refused', async () => {
    const root = join(await tempDirectory(), 'file')
    await writeFile(root, 'x')
    await expect(put(open(root), 'files/a')).rejects.toMatchObject({ code: 'refused' })
  })

  it.each(['{"v":2,"id":"x"}', '', '{"v":1}', 'null'])('a marker that says %j is refused', async (marker) => {
    const { root } = await newStore()
    await writeFile(join(root, '.logcask', 'store.json'), marker)
    await expect(keysOf(open(root))).rejects.toMatchObject({ code: 'refused', hint: expect.any(String) })
  })

  it('takes a root that is a symlink', async () => {
    const { root } = await newStore()
    await symlink(root, `${root}.link`)
    const bucket = open(`${root}.link`)
    expect(await put(bucket, 'segments/a/b/c', 'x', { a: 'b' })).toBe('created')
    expect(await keysOf(bucket)).toEqual(['files/first', 'segments/a/b/c'])
    expect((await bucket.head('segments/a/b/c'))?.metadata).toEqual({ a: 'b' })
  })
})

describe('what lies in the directory', () => {
  it('an object is a plain file: cat of the segments is the log', async () => {
    const { root, bucket } = await newStore()
    await put(bucket, 'segments/web-1/0-a/00000000000000000000-e3b0c44298fc1c14', 'hello ', { origin: '{"v":1}' })
    await put(bucket, 'segments/web-1/0-a/00000000000000000006-0123456789abcdef', 'world')
    expect(execFileSync('sh', ['-c', 'cat *'], { cwd: join(root, 'segments/web-1/0-a') }).toString()).toBe(
      'hello world',
    )
  })

  it('metadata has a side file; an object without it has none', async () => {
    const { root, bucket } = await newStore()
    expect((await readdir(root, { recursive: true })).filter((name) => name.includes('.meta'))).toEqual([])
    await put(bucket, 'files/second', 'body', { a: 'b' })
    const side = 'files/.meta/second/230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5'
    expect(await readFile(join(root, side), 'utf8')).toBe('{"v":1,"metadata":{"a":"b"}}\n')
  })

  it('takes a name of 255 bytes with metadata', async () => {
    const { bucket } = await newStore()
    const key = `files/${'n'.repeat(255)}`
    expect(await put(bucket, key, 'x', { a: 'b' })).toBe('created')
    expect((await bucket.head(key))?.metadata).toEqual({ a: 'b' })
  })

  it('what lost a race, or never became an object, binds no metadata', async () => {
    const { root, bucket } = await newStore()
    await put(bucket, 'files/second', 'other body', { writer: 'other' })
    const meta = join(root, 'files/.meta')
    await rename(join(meta, 'second'), join(meta, 'first'))
    expect(await bucket.get('files/first')).toMatchObject({ metadata: {} })
    expect(await bucket.head('files/second')).toMatchObject({ metadata: {} })
  })

  it('metadata that nobody of us wrote is corrupt, and said so', async () => {
    const { root, bucket } = await newStore()
    await put(bucket, 'files/second', 'body', { a: 'b' })
    const directory = join(root, 'files/.meta/second')
    await writeFile(join(directory, (await readdir(directory))[0]!), '{"v":1,"metadata":{"a":1}}')
    await expect(bucket.get('files/second')).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('dot files, links, FIFOs and names that are no keys are not listed', async () => {
    const { root, bucket } = await newStore()
    const files = join(root, 'files')
    await writeFile(join(files, '.hidden'), 'x')
    await writeFile(join(files, 'é'), 'x')
    await writeFile(join(files, 'a\nb'), 'x')
    await symlink('/etc/passwd', join(files, 'link'))
    await symlink('/etc', join(files, 'etc'))
    execFileSync('mkfifo', [join(files, 'fifo')])
    expect(await keysOf(bucket)).toEqual(['files/first'])
    expect(await listNames(bucket, 'files/')).toEqual([])
  })

  it('a directory in which nothing is yet is not listed', async () => {
    const { root, bucket } = await newStore()
    await mkdir(join(root, 'segments/web-1/0-a/.meta/x'), { recursive: true })
    expect(await keysOf(bucket)).toEqual(['files/first'])
    expect(await listNames(bucket, '')).toEqual(['files'])
    await put(bucket, 'segments/web-1/0-b/x')
    expect(await listNames(bucket, 'segments/web-1/')).toEqual(['0-b'])
  })

  it('I9: nothing leads outside: symlinks are refused, FIFOs do not block', async () => {
    const { root, bucket } = await newStore()
    const outside = join(await tempDirectory(), 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret'), 'x')
    await symlink(outside, join(root, 'segments'))
    await symlink(join(outside, 'secret'), join(root, 'files/link'))
    execFileSync('mkfifo', [join(root, 'files/fifo')])
    await expect(bucket.get('segments/secret')).rejects.toMatchObject({ code: 'refused' })
    await expect(put(bucket, 'segments/web-1/new')).rejects.toMatchObject({ code: 'refused' })
    await expect(keysOf(bucket, 'segments/')).rejects.toMatchObject({ code: 'refused' })
    await expect(bucket.get('files/link')).rejects.toMatchObject({ code: 'refused' })
    await expect(put(bucket, 'files/link')).rejects.toMatchObject({ code: 'refused' })
    expect(await bucket.get('files/fifo')).toBeUndefined()
    await expect(put(bucket, 'files/fifo')).rejects.toMatchObject({ code: 'refused' })
    await expect(keysOf(bucket, '../')).rejects.toMatchObject({ code: 'invalid' })
    expect(await readdir(outside)).toEqual(['secret'])
  })

  it('no name is an object and a directory at once', async () => {
    const { bucket } = await newStore()
    await expect(put(bucket, 'files/first/below')).rejects.toMatchObject({ code: 'refused' })
    await expect(put(bucket, 'files')).rejects.toMatchObject({ code: 'refused' })
    expect(await bucket.get('files/first/below')).toBeUndefined()
    expect(await bucket.get('files')).toBeUndefined()
  })

  it('I7: a directory of more names than a page is listed whole and in order', async () => {
    const { root, bucket } = await newStore()
    const names = Array.from({ length: 45_000 }, (_, at) => String((at * 7919) % 45_000).padStart(6, '0'))
    await mkdir(join(root, 'many'))
    for (let at = 0; at < names.length; at += 500)
      await Promise.all(names.slice(at, at + 500).map((name) => writeFile(join(root, 'many', name), '')))
    const keys = await keysOf(bucket, 'many/')
    expect(keys).toHaveLength(45_000)
    expect(keys.every((key, at) => key === `many/${String(at).padStart(6, '0')}`)).toBe(true)
  }, 60_000)
})

describe('what crashed writers leave', () => {
  it('is swept after a day, and not before', async () => {
    const { root } = await newStore()
    const temporaries = join(root, '.logcask/tmp')
    await writeFile(join(temporaries, 'old'), 'half')
    await writeFile(join(temporaries, 'young'), 'half')
    const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000)
    await utimes(join(temporaries, 'old'), twoDaysAgo, twoDaysAgo)
    expect(await open(root).get('files/first')).toBeDefined()
    expect((await readdir(temporaries)).sort()).toEqual(['old', 'young'])
    await put(open(root), 'files/b')
    expect(await readdir(temporaries)).toEqual(['young'])
    expect(await keysOf(open(root))).toEqual(['files/b', 'files/first'])
  })

  it('a PUT that is aborted before its link makes nothing, and leaves no temporary file', async () => {
    const { root, bucket } = await newStore()
    const abort = new AbortController()
    const body = new Uint8Array(8 * 1024 * 1024)
    const answer = bucket.put('files/b', body, { mode: 'create', signal: abort.signal })
    abort.abort('stop')
    await expect(answer).rejects.toBe('stop')
    expect(await put(bucket, 'files/c')).toBe('created')
    await expect.poll(() => readdir(join(root, '.logcask/tmp')), { timeout: 10_000 }).toEqual([])
    expect(await keysOf(bucket)).toEqual(['files/c', 'files/first'])
  })

  it('the directory for temporary files is made again where somebody tidied it away', async () => {
    const { root } = await newStore()
    await rm(join(root, '.logcask/tmp'), { recursive: true })
    expect(await put(open(root), 'files/b')).toBe('created')
  })
})

const isRoot = process.getuid?.() === 0

/** A file system of `size` bytes at a new directory. */
async function onFileSystem(size: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = join(await tempDirectory('mount'), 'mount')
  await mounted(['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'tmpfs'], path, () => use(path))
}

describe('what the system says', () => {
  it.skipIf(isRoot)('a directory without permission is refused, never empty', async () => {
    const { root, bucket } = await newStore()
    await chmod(join(root, 'files'), 0)
    try {
      await expect(keysOf(bucket)).rejects.toMatchObject({
        code: 'refused',
        hint: expect.stringMatching(/allow the user/),
      })
      await expect(put(bucket, 'files/b')).rejects.toMatchObject({ code: 'refused' })
      await expect(bucket.get('files/first')).rejects.toMatchObject({ code: 'refused' })
    } finally {
      await chmod(join(root, 'files'), 0o750)
    }
  })

  describe.skipIf(!canMount())('with mounts (Linux, as root)', () => {
    it('I6: a full disk is refused with its remedy; what it holds is read on, and it goes on when there is room', async () => {
      await onFileSystem('1m', async (root) => {
        const bucket = open(root)
        await put(bucket, 'files/first', 'first')
        const large = bucket.put('files/large', new Uint8Array(2 * 1024 * 1024), { mode: 'create' })
        await expect(large).rejects.toMatchObject({ code: 'refused', hint: expect.stringMatching(/^free space/) })
        expect(await keysOf(bucket)).toEqual(['files/first'])
        expect(await readdir(join(root, '.logcask/tmp'))).toEqual([])
        execFileSync('mount', ['-o', 'remount,size=8m', root])
        expect(await bucket.put('files/large', new Uint8Array(2 * 1024 * 1024), { mode: 'create' })).toBe('created')
      })
    })

    it('a read-only mount is refused with its remedy, and read', async () => {
      await onFileSystem('1m', async (root) => {
        const bucket = open(root)
        await put(bucket, 'files/first', 'first')
        execFileSync('mount', ['-o', 'remount,ro', root])
        const expected = { code: 'refused', hint: 'mount it read-write' }
        await expect(put(bucket, 'files/b')).rejects.toMatchObject(expected)
        await expect(put(open(root), 'files/b')).rejects.toMatchObject(expected)
        expect((await bucket.get('files/first'))?.size).toBe(5)
        expect(await keysOf(open(root, false))).toEqual(['files/first'])
      })
    })

    it('I4: an unmounted store is unavailable, not empty', async () => {
      const place = join(await tempDirectory(), 'place')
      await onFileSystem('1m', async (root) => {
        const bucket = open(place)
        await mounted(['--bind', root], place, async () => {
          await put(bucket, 'files/first', 'first')
        })
        await expect(keysOf(bucket)).rejects.toMatchObject({ code: 'unavailable' })
        await expect(bucket.get('files/first')).rejects.toMatchObject({ code: 'unavailable' })
        await expect(put(bucket, 'files/b')).rejects.toMatchObject({ code: 'unavailable' })
        expect(await readdir(place)).toEqual([])
        await mounted(['--bind', root], place, async () => {
          expect(await keysOf(bucket)).toEqual(['files/first'])
        })
      })
    })

    it('a mount below the root is refused: a link cannot cross it', async () => {
      const { root, bucket } = await newStore()
      await mounted(['-t', 'tmpfs', 'tmpfs'], join(root, 'segments'), async () => {
        await expect(put(bucket, 'segments/a')).rejects.toMatchObject({
          code: 'refused',
          hint: expect.stringMatching(/on one file system/),
        })
      })
    })
  })

  it('an object that grows is shown as it is: readers judge by its hash', async () => {
    const { root, bucket } = await newStore()
    await put(bucket, 'files/second', 'body', { a: 'b' })
    await appendFile(join(root, 'files/second'), 'more')
    expect(await bucket.head('files/second')).toMatchObject({ size: 8, metadata: {} })
  })
})
