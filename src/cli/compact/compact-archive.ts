import type { Bucket } from '../../bucket/bucket.ts'
import { retryingReads } from '../../bucket/retrying-reads.ts'
import { checkArchiveTemplate, defaultArchiveTemplate } from '../../compactor/archive/archive-name.ts'
import { createArchiveSink } from '../../compactor/archive/archive-sink.ts'
import {
  type ArchiverOptions,
  type ArchiveSummary,
  archiveFollowing,
  archiveOnce,
} from '../../compactor/archive/archiver.ts'
import type { CompactorEvent, OnEvent } from '../../compactor/event.ts'
import type { Pace } from '../../compactor/listing-plan.ts'
import { encodings } from '../../format/whole.ts'
import { type CommandInput, didYouMean, durationOf, isSet, textOf, usageError } from '../command.ts'
import { openBucket, storeSettings } from '../compose/open-bucket.ts'
import { exitOfPass, exits } from '../exit.ts'
import type { Paint } from '../terminal/terminal.ts'
import { countText, formatBytes, formatCount, formatSpan } from '../terminal/units.ts'
import type { Accepts } from './accept-options.ts'
import { tellEvent } from './compact-events.ts'
import { byEvents, type QueueSettings, withEvents } from './compact-queue.ts'

/** The options of `compact` that are the archive's. */
export const archiveOptions = {
  archive: { type: 'string' },
  compress: { type: 'string' },
  'quiet-after': { type: 'string' },
  spool: { type: 'string' },
} as const

/** What the command line says of an archive, or undefined where it names none. Throws `invalid` for what cannot be. */
export interface ArchiveSettings {
  url: string
  template: string
  encoding: (typeof encodings)[number]
  quietAfterMs: number | undefined
  spoolDirectory: string
  pace: Pace
}

const dayMs = 86_400_000

export function archiveSettings(
  { values, env }: CommandInput,
  template: string | undefined,
): ArchiveSettings | undefined {
  const url = textOf(values, 'archive')
  if (url === undefined) {
    const lone = (['compress', 'quiet-after', 'spool'] as const).find((name) => textOf(values, name) !== undefined)
    if (lone !== undefined) throw usageError(`--${lone} is of an archive, and none is named`, 'add --archive URL')
    return undefined
  }
  const compress = textOf(values, 'compress') ?? 'gzip'
  const encoding = encodings.find((one) => one === compress)
  if (encoding === undefined)
    throw usageError(`--compress ${compress}: is none of them${didYouMean(compress, encodings)}`, encodings.join(', '))
  const as = template ?? defaultArchiveTemplate
  checkArchiveTemplate(as)
  const isNever = textOf(values, 'quiet-after') === 'never'
  const intervalMinMs = durationOf(values, 'interval') ?? 60_000
  return {
    url,
    template: as,
    encoding,
    quietAfterMs: isNever ? undefined : (durationOf(values, 'quiet-after') ?? 7 * dayMs),
    // Not /tmp, which is memory on many machines.
    spoolDirectory: textOf(values, 'spool') ?? env.TMPDIR ?? '/var/tmp',
    // An archive is for years: what is an hour late in it is not late.
    pace: { intervalMinMs, intervalMaxMs: Math.max(intervalMinMs, 3_600_000), fullIntervalMs: dayMs },
  }
}

/** Opens the archive for `work`; `from` stays the caller's. */
async function withArchive<T>(
  { values, clock }: CommandInput,
  from: Bucket,
  settings: ArchiveSettings,
  onEvent: OnEvent,
  work: (options: ArchiverOptions) => Promise<T>,
): Promise<T> {
  const archive = await openBucket(settings.url, storeSettings(values), 'write', clock, { create: true })
  try {
    const { template, encoding, quietAfterMs, spoolDirectory } = settings
    const sink = createArchiveSink({ bucket: retryingReads(archive, clock), clock, template, encoding })
    const problemsMax = isSet(values, 'json') ? Number.POSITIVE_INFINITY : 5
    return await work({ bucket: from, sink, clock, onEvent, quietAfterMs, spoolDirectory, problemsMax })
  } finally {
    await archive.close()
  }
}

/** Until stopped, or once; the exit status. */
export async function intoArchive(
  input: CommandInput,
  from: Bucket,
  settings: ArchiveSettings,
  accepts: Accepts,
  queue: QueueSettings | undefined,
): Promise<number> {
  const { values, terminal, clock, signal } = input
  const tell = (event: CompactorEvent): void => tellEvent(input, event)
  return withArchive(input, from, settings, tell, async (own) => {
    const options = { ...own, accepts: accepts.origin }
    if (!isSet(values, 'once')) {
      await withEvents(input, queue, textOf(values, 'from') ?? '', (events) => {
        terminal.say(`${from.url} → ${options.sink.url}${byEvents(events)}, until stopped`)
        return archiveFollowing({ ...options, pace: settings.pace, events, signal })
      })
      terminal.say('stopped; what is not archived yet is next time')
      return exits.done
    }
    const startMs = clock.monotonic()
    const summary = await archiveOnce({ ...options, signal })
    const { errors, ...numbers } = summary
    if (isSet(values, 'json')) await terminal.json({ kind: 'archive-summary', ...numbers, problems: errors.length })
    else terminal.say(archiveText(summary, clock.monotonic() - startMs, terminal.paintMessage))
    return archiveStatus(summary)
  })
}

/** The last line of `--once`. */
function archiveText(summary: ArchiveSummary, elapsedMs: number, paint: Paint): string {
  const { sent, sentBytes, there, lies, short, errors } = summary
  const trouble = (count: number, text: string): string[] =>
    count > 0 ? [paint.yellow(`${formatCount(count)} ${text}`)] : []
  return [
    sent === 0
      ? 'archive: nothing new'
      : `archive: ${countText(sent, 'stream')}, ${formatBytes(sentBytes)} in ${formatSpan(elapsedMs)}`,
    ...(there > 0 ? [`${formatCount(there)} brought by others meanwhile`] : []),
    ...trouble(lies, 'not as sealed'),
    ...trouble(short, 'shorter than sealed'),
    ...trouble(errors.length, errors.length === 1 ? 'problem' : 'problems'),
  ].join(' · ')
}

function archiveStatus({ errors, lies, short }: ArchiveSummary): number {
  return exitOfPass(errors, { isWrong: lies > 0, isLossy: short > 0 })
}
