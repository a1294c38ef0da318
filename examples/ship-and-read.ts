/**
 * Streams a log while it grows, reads it back from the bucket, and verifies what is there:
 *
 *   node examples/ship-and-read.ts file:///tmp/bucket
 *   node examples/ship-and-read.ts s3://acme-logs/try
 */
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cat, LogcaskError, stream, verify } from 'logcask'

const [url] = process.argv.slice(2)
if (url === undefined) {
  console.error('usage: node examples/ship-and-read.ts file:///dir|s3://bucket/prefix')
  process.exit(2)
}
const directory = await mkdtemp(join(tmpdir(), 'ship-and-read-'))
const log = join(directory, 'app.log')
const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new Error('stopped')))

try {
  {
    // Followed from here on; delivered and stopped at the end of this block, whatever happens in it.
    await using following = await stream(log, {
      to: url,
      host: 'example',
      state: join(directory, 'state'),
      labels: { service: 'example' },
      signal: stop.signal,
      onEvent: (event) => {
        if (event.kind === 'problem') console.error(`${event.place}: ${event.message}; ${event.hint ?? ''}`)
      },
    })
    for (let line = 1; line <= 1000; line++) {
      await appendFile(log, `line ${line}\n`)
      if (line === 500) {
        // All that was written so far is in the bucket when this resolves.
        const { status } = await following.flush({ timeoutMs: 60_000 })
        console.log(`500 lines: ${status}`)
      }
    }
  }

  const content = cat(url, 'example', log, { signal: stop.signal })
  let lines = 0
  for await (const bytes of content) lines += Buffer.from(bytes).toString().split('\n').length - 1
  console.log(`read back: ${lines} lines of ${content.source?.path === log ? 'app.log' : content.source?.path}`)

  const { verdict, streams } = await verify(url, { host: 'example', signal: stop.signal })
  console.log(`verified: ${verdict}, ${streams.length} ${streams.length === 1 ? 'stream' : 'streams'}`)
  if (lines !== 1000 || verdict !== 'fine') process.exitCode = 1
} catch (error) {
  // `code` says what kind of trouble it is, `hint` what to do.
  if (!(error instanceof LogcaskError)) throw error
  console.error(`${error.code}: ${error.message}\nfix: ${error.hint}`)
  process.exitCode = 1
} finally {
  await rm(directory, { recursive: true, force: true })
}
