import { constants } from 'node:fs'
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, isCode, LogcaskError } from '../base/errors.ts'
import { hostName, parseHostName, parseStreamId } from '../format/keys.ts'
import { outputPath } from './output-name.ts'
import { onDisk } from './published-file.ts'
import { publishedName } from './published-name.ts'
import { decodeStreamRecord, type StreamRecord } from './stream-record.ts'
import type { Counterpart, Held } from './verify-against.ts'

/**
 * A compactor's directory. It is only read, and not locked: the compactor may go on meanwhile. Rejects `invalid` for a
 * directory that is none.
 */
export async function directoryCounterpart(root: string): Promise<Counterpart> {
  const records = join(root, '.logcask', 'streams')
  const names = async (path: string): Promise<string[]> => (await onDisk(path, () => readdirIfThere(path))) ?? []
  if ((await onDisk(root, () => readdirIfThere(join(root, '.logcask')))) === undefined)
    throw new LogcaskError('invalid', `${root}: no compactor has written here`, {
      hint: 'name what logcask compact --to names',
    })
  return {
    url: root,
    async open(host, stream, origin) {
      const record = await readRecord(join(records, hostName(host), `${stream}.json`))
      const name = record?.name ?? (origin && publishedName(host, stream, outputPath(origin, undefined)))
      return name === undefined ? [] : openFile(root, name, record)
    },
    hosts: async () => (await names(records)).flatMap((name) => parseHostName(name) ?? []).sort(),
    streams: async (host) =>
      (await names(join(records, hostName(host)))).flatMap((name) => {
        const stream = name.endsWith('.json') ? name.slice(0, -'.json'.length) : ''
        return parseStreamId(stream) === undefined ? [] : [stream]
      }),
    close: async () => {},
  }
}

async function openFile(root: string, name: string, record: StreamRecord | undefined): Promise<Held[]> {
  const path = join(root, name)
  return onDisk(path, async () => {
    const handle = await openIfThere(path)
    if (handle === undefined) return []
    const stats = await handle.stat()
    const held: Held = {
      name,
      start: 0,
      length: stats.isFile() ? stats.size : 0,
      noted: record?.content,
      read: (start, end) =>
        onDisk(path, async () => {
          const bytes = Buffer.allocUnsafe(end - start)
          let done = 0
          while (done < bytes.byteLength) {
            const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, start + done)
            if (bytesRead === 0) break
            done += bytesRead
          }
          return bytes.subarray(0, done)
        }),
      close: () => handle.close(),
    }
    return [held]
  })
}

/** Nothing that we wrote is a link, or anything that an open waits for. */
async function openIfThere(path: string) {
  return absentIsUndefined(open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK))
}

function readdirIfThere(path: string): Promise<string[] | undefined> {
  return absentIsUndefined(readdir(path))
}

async function absentIsUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** One that cannot be understood counts as none: the file itself is compared. */
async function readRecord(path: string): Promise<StreamRecord | undefined> {
  return onDisk(path, async () => {
    try {
      const text = await absentIsUndefined(readFile(path))
      return text && decodeStreamRecord(text, path)
    } catch (error) {
      if (isCode(error, 'corrupt')) return undefined
      throw error
    }
  })
}
