import { appendFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const KiB = 1024

async function opened(content: string) {
  const directory = await tempDirectory()
  const path = join(directory, 'a.log')
  await writeFile(path, content)
  const file = await localFiles({ birthTimes: true, spoolDirectory: directory }).open(path, false)
  if (file === undefined) throw new Error('is there')
  onTestFinished(() => file.close())
  const read = async (start: number, end: number): Promise<string> => {
    const into = Buffer.alloc(end - start)
    return into.toString('latin1', 0, await file.read(into, start))
  }
  return { path, file, read }
}

it('what is read again is what the file holds now', async () => {
  const { path, read } = await opened('one ')
  expect(await read(0, 100)).toBe('one ')
  await appendFile(path, 'two ')
  expect(await read(0, 100)).toBe('one two ')
  expect(await read(4, 7)).toBe('two')
  await truncate(path, 2)
  expect(await read(0, 100)).toBe('on')
  expect(await read(2, 50)).toBe('')
  await appendFile(path, 'x'.repeat(200 * KiB))
  expect(await read(0, 200 * KiB)).toHaveLength(200 * KiB)
  expect(await read(200 * KiB - 5, 300 * KiB)).toBe('x'.repeat(7))
  expect(await read(0, 3)).toBe('onx')
})

it('a deleted file is read until it is closed, and not afterwards', async () => {
  const { path, file, read } = await opened('all of it')
  expect(await read(0, 9)).toBe('all of it')
  await rm(path)
  expect(file.stat().links).toBe(0)
  expect(await read(4, 9)).toBe('of it')
  await file.close()
  await file.close()
  await expect(read(0, 9)).rejects.toMatchObject({ code: 'unavailable' })
  expect(() => file.stat()).toThrow('was closed')
})

it('closed while it is read: the read ends well, and the descriptor goes then', async () => {
  const { file, read } = await opened('y'.repeat(300 * KiB))
  const reading = read(0, 300 * KiB)
  await file.close()
  expect(await reading).toHaveLength(300 * KiB)
})
