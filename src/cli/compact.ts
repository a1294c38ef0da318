import { acceptedHosts } from '../bucket/accepted-hosts.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { retryingReads } from '../bucket/retrying-reads.ts'
import { defaultArchiveTemplate } from '../compactor/archive/archive-name.ts'
import { type CompactorOptions, compactFollowing, compactOnce, type Summary } from '../compactor/compactor.ts'
import { type DirectorySink, openDirectorySink } from '../compactor/directory-sink.ts'
import type { CompactorEvent } from '../compactor/event.ts'
import type { Pace } from '../compactor/listing-plan.ts'
import { checkOutputTemplate } from '../compactor/output-name.ts'
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
import { type Accepts, acceptHelp, acceptOptions, acceptSettings, acceptsOf } from './compact/accept-options.ts'
import { archiveOptions, archiveSettings, intoArchive } from './compact/compact-archive.ts'
import { compactDryRun } from './compact/compact-dry-run.ts'
import { showingBytes, summaryText, tellEvent } from './compact/compact-events.ts'
import {
  byEvents,
  type QueueSettings,
  queueHelp,
  queueOptions,
  queueSettings,
  withEvents,
} from './compact/compact-queue.ts'
import { quotaOf, quotaOptions } from './compact/quota-options.ts'
import { refuseNested } from './compose/nested-places.ts'
import { openBucket, storeHelp, storeOptions, storeSettings } from './compose/open-bucket.ts'
import { paceFor, sinkDirectory } from './compose/sink-place.ts'
import { exitOfPass, exits } from './exit.ts'

export const command: Command = {
  name: 'compact',
  options: {
    ...storeOptions,
    ...jsonOption,
    from: { type: 'string' },
    to: { type: 'string' },
    once: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    interval: { type: 'string' },
    as: { type: 'string' },
    ...quotaOptions,
    ...acceptOptions,
    ...archiveOptions,
    ...queueOptions,
  },
  help: `
logcask compact --from URL --to DIR [--once]
logcask compact --from URL --archive URL [--compress none|gzip|zstd] [--once]

Puts the files of a bucket together: in a directory, as DIR/<host>/<path>~<stream>, where they grow as more is
delivered, for tail -f, grep, and any other tool; and in an archive, where each complete one is one object, for years.
Every byte is checked against the chain, every complete file against its seal. The bucket is only read. One compactor
works in a directory, any number with an archive; kill them whenever you like.
  --from URL        the bucket
  --to DIR          where the files go; only its last part is made
  --as TEMPLATE     name new files DIR/<host>/TEMPLATE~<stream>, from what their agents say of them:
                    {path} {directory} {filename} {name} {labels.NAME} {machine_id}, and {year} {month} {day} {hour}
                    of birth in UTC (default: {name}, which is the path where a source has no rename:)
  --once            publish all there is, print a summary, end
  --interval 5s     the shortest time between two looks at a host that delivers (default: 5s; 0.5s for file://). A look
                    is 3 LIST requests (more where thousands of segments are new): 2,160 an hour at 5s, about $0.01.
                    A quiet host is looked at ever more rarely, down to once a minute: 180 an hour, below $0.001;
                    after a day of silence every five minutes, after a week every hour
  --host-streams N, --host-bytes 1TiB, --host-requests N   what one host may take: streams and bytes that are published,
                    requests to the bucket in an hour. What is published goes on; other hosts do not notice
${acceptHelp}
  --dry-run         write nothing: list all there is, and say what that costs while nothing happens, by polling and by
                    events
  --json            each event, and the summary, as one JSON line on stdout

Archive
  --archive URL     where the objects go; created once, never overwritten. What is there is asked of the archive alone
  --compress gzip   or zstd, or none (default: gzip)
  --as TEMPLATE     without --to: name objects TEMPLATE~<stream>-<length>.gz, from the names above, {host} (before all
                    others), {date} {stream} {length}. Keep it: names say what is archived
                    (default: ${defaultArchiveTemplate})
  --quiet-after 7d  archive what has no seal, and got nothing for so long, too, with .unsealed in its name; or: never
  --spool DIR       for what is compressed and longer than 4 MiB (default: $TMPDIR, or /var/tmp)
  --interval 1m     between two looks at a host that completes files (default: 1m; a quiet one: down to once an hour)
${queueHelp}

${storeHelp}

Examples
  logcask compact --from s3://acme-logs/prod --to /srv/logs
  logcask compact --from file:///mnt/nas --to ./logs --once
  logcask compact --from s3://acme-logs --to /srv/logs --as '{labels.service}/{year}/{month}/{filename}'
  logcask compact --from s3://acme-logs/prod --archive s3://acme-archive/logs --compress zstd

Exit status (--once): 0 done · 1 a stream failed, or is not what its seal says · 2 usage · 3 bytes are missing: gaps
that are not closed, or fewer than a seal says · 75 not all could be read or written: run it again
`,
  run: compact,
}

const usage = 'logcask compact --from URL --to DIR, or --archive URL'

async function compact(input: CommandInput): Promise<number> {
  const { values, positionals, clock } = input
  expectArguments(positionals, usage, 0, 0)
  const from = textOf(values, 'from')
  const to = textOf(values, 'to')
  const names = textOf(values, 'as')
  if (from === undefined) throw usageError('no bucket is named', usage)
  const isDry = isSet(values, 'dry-run')
  if (to === undefined && textOf(values, 'archive') === undefined && !isDry)
    throw usageError('no directory is named, and no archive', usage)
  if (to !== undefined && names !== undefined) checkOutputTemplate(names)
  const root = to === undefined ? undefined : sinkDirectory(to)
  const archive = archiveSettings(input, to === undefined ? names : undefined)
  const queue = queueSettings(values, from)
  if (queue !== undefined && root !== undefined && archive !== undefined)
    throw usageError(
      '--events: one queue cannot feed a directory and an archive',
      'run two, each with a queue of its own',
    )
  const quota = quotaOf(values)
  if (quota !== undefined && root === undefined && archive !== undefined)
    throw usageError('--host-…: an archive has no quota', 'leave it out, or add --to DIR')
  const accepts = acceptsOf(acceptSettings(values))
  await refuseNested(from, root, archive?.url)
  const bucket = await openBucket(from, storeSettings(values), 'read', clock)
  try {
    const source = retryingReads(acceptedHosts(bucket, accepts.host), clock)
    if (isDry)
      return await compactDryRun(
        input,
        source,
        root === undefined && archive ? archive.pace : directoryPace(input, bucket),
        queue,
      )
    // Side by side: what is wrong with one does not hold up the other. A sink that cannot be opened ends both.
    const stop = new AbortController()
    const own = { ...input, signal: AbortSignal.any([input.signal, stop.signal]) }
    const halting = <T>(work: Promise<T>): Promise<T> =>
      work.catch((error: unknown) => {
        stop.abort(error)
        throw error
      })
    const statuses = await Promise.allSettled([
      root === undefined ? exits.done : halting(intoDirectory(own, source, root, { names, queue, quota, accepts })),
      archive === undefined ? exits.done : halting(intoArchive(own, source, archive, accepts, queue)),
    ])
    const failed = statuses.find((one) => one.status === 'rejected' && one.reason === stop.signal.reason)
    if (failed?.status === 'rejected') throw failed.reason
    return worstOf(statuses.map((one) => (one.status === 'fulfilled' ? one.value : exits.failed)))
  } finally {
    await bucket.close()
  }
}

function directoryPace({ values }: CommandInput, { url }: Bucket): Pace {
  return paceFor(url.startsWith('file:') ? 'file' : 's3', durationOf(values, 'interval'))
}

/** Of those that `--once` ends with. */
function worstOf(statuses: readonly number[]): number {
  return [exits.failed, exits.undelivered, exits.lossy].find((status) => statuses.includes(status)) ?? exits.done
}

async function intoDirectory(
  input: CommandInput,
  bucket: Bucket,
  root: string,
  settings: {
    names: string | undefined
    queue: QueueSettings | undefined
    quota: CompactorOptions['quota']
    accepts: Accepts
  },
): Promise<number> {
  const { values, clock } = input
  const { names, queue, quota, accepts } = settings
  const pace = directoryPace(input, bucket)
  const tell = (event: CompactorEvent): void => tellEvent(input, event)
  const sink = await openDirectorySink(root, clock, (event) => tell({ kind: 'set-aside', ...event }), { names })
  try {
    const problemsMax = isSet(values, 'json') ? Number.POSITIVE_INFINITY : 5
    const options = { bucket, sink, clock, pace, quota, accepts: accepts.origin, onEvent: tell, problemsMax }
    return isSet(values, 'once') ? await once(input, options) : await following(input, options, sink, queue)
  } finally {
    await sink.close()
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

async function following(
  input: CommandInput,
  options: CompactorOptions,
  sink: DirectorySink,
  queue: QueueSettings | undefined,
): Promise<number> {
  const { values, terminal, signal } = input
  await withEvents(input, queue, textOf(values, 'from') ?? '', (events) => {
    terminal.say(`${options.bucket.url} → ${sink.root}${byEvents(events)}, until stopped`)
    return compactFollowing({ ...options, events, signal })
  })
  terminal.say('stopped; all that was published is on disk')
  return exits.done
}

function statusOf({ errors, mismatches, gaps, short }: Summary): number {
  return exitOfPass(errors, { isWrong: mismatches > 0, isLossy: gaps > 0 || short > 0 })
}
