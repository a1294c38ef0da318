import { readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { sha256 } from '../../src/base/hash.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { encodeDigest } from '../../src/format/digest.ts'
import { digestKey, hourMs, hourOf } from '../../src/format/keys.ts'
import { diskBucket, eventually } from '../cli/reader-bucket.ts'
import { startCommandLine } from '../cli/run-command-line.ts'

export const token = 'logcask_0123456789abcdef'

export interface Place {
  bucket: Bucket
  bucketUrl: string
  /** Published files, where they are. */
  logs: string
  directory: string
  /** Of the page. */
  url: string
  stop(): Promise<void>
  /** Again, at the same address. */
  start(): Promise<void>
}

/** A bucket on disk and `logcask serve` on it, as somebody would start it; stopped at the test's end. */
export async function openPlace(
  options: {
    isPublished?: boolean
    hasToken?: boolean
    tokenHosts?: string[]
    fill?: (bucket: Bucket, root: string) => Promise<void>
  } = {},
): Promise<Place> {
  const { isPublished = true, hasToken = false, tokenHosts = ['*'], fill } = options
  const { bucket, url: bucketUrl, directory, root } = await diskBucket()
  await fill?.(bucket, root)
  const logs = join(directory, 'logs')
  const config = join(directory, 'server.yaml')
  const tokens = `tokens: [{ name: test, sha256: ${sha256(Buffer.from(token))}, hosts: ${JSON.stringify(tokenHosts)} }]\n`
  await writeFile(
    config,
    `from: ${bucketUrl}\ninterval: 200ms\n${isPublished ? `to: ${logs}\n` : ''}${hasToken ? tokens : ''}`,
  )
  let run: ReturnType<typeof startCommandLine> | undefined
  let port = 0
  const place: Place = {
    bucket,
    bucketUrl,
    logs,
    directory,
    url: '',
    async start() {
      const mine = startCommandLine(['serve', '-c', config, '--listen', `127.0.0.1:${port}`])
      run = mine
      let ended: number | undefined
      void mine.code.then((code) => (ended = code))
      port = Number(
        await eventually(() => {
          if (ended !== undefined) throw new Error(`serve ended with ${ended}: ${mine.stderr()}`)
          return /:\/\/127\.0\.0\.1:(\d+)/.exec(mine.stderr())?.[1]
        }),
      )
      place.url = `http://127.0.0.1:${port}/`
    },
    async stop() {
      run?.signal('SIGTERM')
      await run?.code
      run = undefined
    },
  }
  await place.start()
  onTestFinished(() => place.stop())
  return place
}

/** Signs of life of so many hours ago, each with the hash of the one before, as an agent leaves them. */
export async function giveSigns(bucket: Bucket, host: string, ...hoursAgo: readonly number[]): Promise<void> {
  let previous: string | undefined
  for (const ago of [...hoursAgo].sort((a, b) => b - a)) {
    const at = new Date(systemClock.now()).toISOString()
    const digest = Buffer.from(encodeDigest({ at, previous, begun: 0, acked: 0, sealed: 0, streams: [], more: 0 }))
    const key = digestKey(host, hourOf(systemClock.now() - ago * hourMs), '0123456789abcdef')
    await bucket.put(key, digest, { mode: 'create' })
    previous = sha256(digest)
  }
}

/** A stream's id, born so many minutes ago. */
export function bornAgo(minutes: number, inode = '1a2b'): string {
  const iso = new Date(systemClock.now() - minutes * 60_000).toISOString()
  return `${iso.replaceAll(/[-:.Z]/g, '')}000000Z-${inode}`
}

/** What was stored of a stream in the last minutes, as if it had been stored so many hours before. */
export async function storedAgo(root: string, host: string, stream: string, hours: number): Promise<void> {
  const now = systemClock.now()
  for (const room of ['segments', 'seals', 'gaps']) {
    const directory = join(root, room, host, stream)
    const names = await readdir(directory, { withFileTypes: true }).catch(() => [])
    for (const name of names.filter((one) => one.isFile())) {
      const path = join(directory, name.name)
      const at = new Date(now - hours * hourMs)
      if (now - (await stat(path)).mtimeMs < hourMs / 2) await utimes(path, at, at)
    }
  }
}

/** Runs a command until the test ends. */
export function inBackground(args: readonly string[]): ReturnType<typeof startCommandLine> {
  const run = startCommandLine(args)
  onTestFinished(async () => {
    run.signal('SIGTERM')
    await run.code
  })
  return run
}
