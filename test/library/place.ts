import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cat, LogcaskError } from '../../src/index.ts'
import { tempDirectory } from '../support/temp-directory.ts'

export const host = 'web-1'

/** A directory of logs, two buckets beside it, and what delivers the one to the other. */
export async function place() {
  const directory = await tempDirectory('library')
  const logs = join(directory, 'logs')
  await mkdir(logs)
  const url = pathToFileURL(join(directory, 'bucket')).href
  const other = pathToFileURL(join(directory, 'other')).href
  return { directory, logs, url, other, options: { to: url, host, state: join(directory, 'state') } }
}

export async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const bytes of content) parts.push(bytes)
  return Buffer.concat(parts)
}

export async function contentOf(url: string, name: string): Promise<string> {
  return (await collect(cat(url, host, name))).toString()
}

/** What it rejects with, which is one of ours. */
export async function failureOf(work: Promise<unknown>): Promise<LogcaskError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof LogcaskError)) throw new Error(`not a LogcaskError: ${error}`)
  return error
}
