import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { added, guardLeaks, openFilesBelow, openThings } from './leak-guard.ts'
import { tempDirectory } from './temp-directory.ts'

guardLeaks()

describe('leak guard', () => {
  it('sees a server that listens, until it is closed', async () => {
    const before = await openThings()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    expect(added(before, await openThings()).some((thing) => /TCP/.test(thing))).toBe(true)
    await new Promise((resolve) => server.close(resolve))
    await expect.poll(async () => added(before, await openThings()), { timeout: 5_000 }).toEqual([])
  })

  it.skipIf(process.platform !== 'linux')('sees a file that is open, until it is closed', async () => {
    const directory = await tempDirectory()
    const before = await openThings()
    const handle = await open(join(directory, 'file'), 'w')
    expect(await openFilesBelow(directory)).toEqual([join(directory, 'file')])
    expect(added(before, await openThings())).toContain(`fd ${join(directory, 'file')} × 1`)
    await handle.close()
    expect(await openFilesBelow(directory)).toEqual([])
    expect(added(before, await openThings())).toEqual([])
  })

  it('sees a timer, and what was open before is no leak', async () => {
    const timer = setTimeout(() => {}, 60_000)
    const before = await openThings()
    expect(added(before, await openThings())).toEqual([])
    const more = setTimeout(() => {}, 60_000)
    expect(added(before, await openThings())).toEqual(['Timeout × 1'])
    clearTimeout(more)
    clearTimeout(timer)
  })
})
