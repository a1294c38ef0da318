import { realpath } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { retryingReads } from '../bucket/retrying-reads.ts'
import { type CompactorOptions, compactFollowing, compactOnce, type Summary } from '../compactor/compactor.ts'
import { type DirectorySink, openDirectorySink } from '../compactor/directory-sink.ts'
import type { CompactorEvent } from '../compactor/event.ts'
import type { Pace } from '../compactor/listing-plan.ts'
import { checkOutputTemplate } from '../compactor/output-name.ts'
import { parseStoreUrl } from '../config/store-url.ts'
import {
  type Command,
  type CommandInput,
  durationOf,
  expectArguments,
  isSet,
  jsonOption,
  textOf,
  usageError,
} from './command.ts'
import { eventForMachine, eventForPeople, showingBytes, summaryText } from './compact-events.ts'
import { exitOf, exits } from './exit.ts'
import { openBucket, storeHelp, storeOptions, storeSettings } from './open-bucket.ts'

export const command: Command = {
  name: 'compact',
  options: {
    ...storeOptions,
    ...jsonOption,
    from: { type: 'string' },
    to: { type: 'string' },
    once: { type: 'boolean' },
    interval: { type: 'string' },
    as: { type: 'string' },
  },
  help: `
logcask compact --from URL --to DIR [--once]

Puts the files of a bucket together in a directory, as DIR/<host>/<path>~<stream>, and lets them grow as more is
delivered: for tail -f, grep, and any other tool. Every byte is checked against the chain, every complete file against
its seal. The bucket is only read. One compactor works in a directory; kill it whenever you like.
  --from URL        the bucket
  --to DIR          where the files go; only its last part is made
  --as TEMPLATE     name new files DIR/<host>/TEMPLATE~<stream>, from what their agents say of them:
                    {path} {directory} {filename} {name} {labels.NAME} {machine_id}, and {year} {month} {day} {hour}
                    of birth in UTC (default: {name}, which is the path where a source has no rename:)
  --once            publish all there is, print a summary, end
  --interval 5s     the shortest time between two looks at a host that delivers (default: 5s; 0.5s for file://). A look
                    is 3 LIST requests (more where thousands of segments are new): 2,160 an hour at 5s, about $0.01.
                    A quiet host is looked at ever more rarely, down to once a minute: 180 an hour, below $0.001
  --json            each event, and the summary, as one JSON line on stdout

${storeHelp}

Examples
  logcask compact --from s3://acme-logs/prod --to /srv/logs
  logcask compact --from file:///mnt/nas --to ./logs --once
  logcask compact --from s3://acme-logs --to /srv/logs --as '{labels.service}/{year}/{month}/{filename}'

Exit status (--once): 0 done · 1 a stream failed, or is not what its seal says · 2 usage · 3 bytes are missing: gaps
that are not closed, or fewer than a seal says · 75 not all could be read or written: run it again
`,
  run: compact,
}

async function compact(input: CommandInput): Promise<number> {
  const { values, positionals, clock } = input
  expectArguments(positionals, 'logcask compact --from URL --to DIR', 0, 0)
  const from = textOf(values, 'from')
  const to = textOf(values, 'to')
  if (from === undefined) throw usageError('no bucket is named', 'logcask compact --from URL --to DIR')
  if (to === undefined) throw usageError('no directory is named', 'logcask compact --from URL --to DIR')
  const names = textOf(values, 'as')
  if (names !== undefined) checkOutputTemplate(names)
  const root = sinkDirectory(to)
  const address = parseStoreUrl(from)
  if (address.scheme === 'file') await refuseNested(address.root, root)
  const intervalMs = durationOf(values, 'interval')
  const pace = paceFor(address.scheme, intervalMs)
  const tell = (event: CompactorEvent): void => tellEvent(input, event)
  const bucket = await openBucket(from, storeSettings(values), 'read', clock)
  try {
    const sink = await openDirectorySink(root, clock, (event) => tell({ kind: 'set-aside', ...event }), { names })
    try {
      const problemsMax = isSet(values, 'json') ? Number.POSITIVE_INFINITY : 5
      const options = { bucket: retryingReads(bucket, clock), sink, clock, pace, onEvent: tell, problemsMax }
      return isSet(values, 'once') ? await once(input, options) : await following(input, options, sink)
    } finally {
      await sink.close()
    }
  } finally {
    await bucket.close()
  }
}

async function once(input: CommandInput, options: CompactorOptions): Promise<number> {
  const { terminal, clock, signal } = input
  const startMs = clock.monotonic()
  let bytes = 0
  const summary = await showingBytes(
    terminal,
    clock,
    () => bytes,
    () => compactOnce({ ...options, signal, onBytes: (count) => (bytes += count) }),
  )
  const { errors, ...numbers } = summary
  if (isSet(input.values, 'json')) await terminal.json({ kind: 'summary', ...numbers, problems: errors.length })
  else terminal.say(summaryText(summary, clock.monotonic() - startMs, terminal.paintMessage))
  return statusOf(summary)
}

async function following(input: CommandInput, options: CompactorOptions, sink: DirectorySink): Promise<number> {
  const { terminal, signal } = input
  terminal.say(`${options.bucket.url} → ${sink.root}, until stopped`)
  await compactFollowing({ ...options, signal })
  terminal.say('stopped; all that was published is on disk')
  return exits.done
}

function statusOf(summary: Summary): number {
  const statuses = summary.errors.map(exitOf)
  if (summary.mismatches > 0 || statuses.includes(exits.failed) || statuses.includes(exits.usage)) return exits.failed
  if (statuses.includes(exits.undelivered)) return exits.undelivered
  return summary.gaps > 0 || summary.short > 0 ? exits.lossy : exits.done
}

function tellEvent({ values, terminal }: CommandInput, event: CompactorEvent): void {
  if (isSet(values, 'json')) {
    // Not awaited: an event is small, and where nobody reads any more the frame's signal ends the command.
    terminal.json(eventForMachine(event)).catch(() => {})
    return
  }
  const { text, isTrouble } = eventForPeople(event, terminal.paintMessage)
  if (isTrouble) terminal.warn(text)
  else terminal.say(text)
}

/** How long a look takes is what latency and the bill depend on: seconds where requests cost, less where they do not. */
function paceFor(scheme: 'file' | 's3', intervalMs: number | undefined): Pace {
  const intervalMinMs = intervalMs ?? (scheme === 'file' ? 500 : 5_000)
  return {
    intervalMinMs,
    intervalMaxMs: Math.max(intervalMinMs, scheme === 'file' ? 4_000 : 60_000),
    fullIntervalMs: 3_600_000,
  }
}

/** A path, or a file:// URL. Other sinks are still to come. */
function sinkDirectory(to: string): string {
  if (/^s3:/i.test(to)) {
    throw usageError(`--to ${to}: an archive in a bucket cannot be written yet`, 'name a directory: --to /srv/logs')
  }
  if (/^file:\/\/\//i.test(to)) return resolve(fileURLToPath(to))
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(to)) throw usageError(`--to ${to}: is no directory`, 'name one: --to /srv/logs')
  return resolve(to)
}

/** Published files in the bucket's own directory would be objects there, and the other way round. */
async function refuseNested(bucketRoot: string, sinkRoot: string): Promise<void> {
  const [bucket = '', sink = ''] = await Promise.all([bucketRoot, sinkRoot].map(realDirectory))
  const isWithin = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(outer + sep)
  if (isWithin(sink, bucket) || isWithin(bucket, sink)) {
    throw usageError(`--to ${sinkRoot}: is inside the bucket, or around it`, 'name a directory beside it')
  }
}

/** Without symlinks, as far as it is there. */
async function realDirectory(path: string): Promise<string> {
  return realpath(path).catch(
    async () => `${await realpath(dirname(path)).catch(() => dirname(path))}${path.slice(dirname(path).length)}`,
  )
}
