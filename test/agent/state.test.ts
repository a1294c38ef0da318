import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openState, readState } from '../../src/agent/state/state.ts'
import { makeDirectory } from '../../src/base/atomic-file.ts'
import { systemClock } from '../../src/base/clock.ts'
import { tempDirectory } from '../support/temp-directory.ts'

describe('the state directory', () => {
  it('I4: remembers every destination, also when all are admitted at once', async () => {
    const directory = join(await tempDirectory(), 'state')
    const urls = ['file:///a', 'file:///b', 's3://c', 's3://d']
    const state = await openState(directory, 'web-1', systemClock)
    await Promise.all(urls.map((url) => state.noteUse(url)))
    await state.close()
    expect((await readState(directory))?.destinations).toEqual(urls)
    const again = await openState(directory, 'web-1', systemClock)
    expect(urls.filter((url) => !again.hasUsed(url))).toEqual([])
    await again.close()
  })

  it('belongs to one host', async () => {
    const directory = await tempDirectory()
    await (await openState(directory, 'web-1', systemClock)).close()
    await expect(openState(directory, 'web-2', systemClock)).rejects.toMatchObject({
      code: 'invalid',
      hint: expect.stringContaining('--host web-1'),
    })
  })

  it('of another version, or damaged, is refused and left as it is', async () => {
    const directory = await tempDirectory()
    await writeFile(join(directory, 'agent.json'), '{"v":2}')
    await expect(openState(directory, 'web-1', systemClock)).rejects.toMatchObject({ code: 'invalid' })
    await writeFile(join(directory, 'agent.json'), '{')
    await expect(openState(directory, 'web-1', systemClock)).rejects.toMatchObject({ code: 'invalid' })
  })

  it('may be named relative to where one stands', async () => {
    const directory = await tempDirectory()
    const before = process.cwd()
    process.chdir(directory)
    try {
      await makeDirectory('a/b')
      await (await openState('c', 'web-1', systemClock)).close()
    } finally {
      process.chdir(before)
    }
    expect((await readState(join(directory, 'c')))?.host).toBe('web-1')
  })
})
