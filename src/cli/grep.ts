import { forEachConcurrently } from '../base/concurrency.ts'
import { LogcaskError } from '../base/errors.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import { type Command, type CommandInput, isSet, jsonOption, textOf, textsOf, usageError } from './command.ts'
import { problemForPeople } from './compact/sync-report.ts'
import { storeHelp, storeOptions } from './compose/open-bucket.ts'
import { withPlace } from './read/bucket-place.ts'
import { matcherOf } from './read/grep-match.ts'
import { type Search, searchTarget } from './read/grep-search.ts'
import { OrderedOutput } from './read/ordered-output.ts'
import { isPattern } from './read/read-names.ts'
import { type ReadPlace, selectTargets, type Target } from './read/read-place.ts'
import { timeHelp, timeNotice, timeOptions, timesOf } from './read/read-times.ts'
import { countText, formatBytes, formatCount } from './terminal/units.ts'

/** As grep has them, so that scripts need no others. */
const grepExits = { found: 0, nothing: 1, failed: 2 } as const

/** Files that are searched at once: enough that a store's latency does not count, and 8 × 32 MiB read ahead at most. */
const searchesAtOnce = 8

export const command: Command = {
  name: 'grep',
  options: {
    ...storeOptions,
    ...timeOptions,
    ...jsonOption,
    all: { type: 'boolean' },
    also: { type: 'string', multiple: true },
    regexp: { type: 'string', short: 'e', multiple: true },
    'fixed-strings': { type: 'boolean', short: 'F' },
    'ignore-case': { type: 'boolean', short: 'i' },
    'invert-match': { type: 'boolean', short: 'v' },
    'line-number': { type: 'boolean', short: 'n' },
    count: { type: 'boolean', short: 'c' },
    'files-with-matches': { type: 'boolean', short: 'l' },
    'max-count': { type: 'string', short: 'm' },
  },
  help: `
logcask grep PATTERN URL [HOST [NAME]] [-c | -l] [-i] [-n] [-v] [-F] [-m N] [--all] [--since T] [--until T]

Prints the lines that PATTERN (a regular expression of JavaScript) fits, out of a bucket or a server, with nothing
installed there and no index: what is searched is read, eight files at once. HOST and NAME as cat takes them: patterns,
too (*, ?), and all where they are left out. The order is by host and path, whatever comes first.
  -F, --fixed-strings        PATTERN is text
  -i, --ignore-case          -v, --invert-match: the lines that it does not fit
  -n, --line-number          within its stream
  -c, --count                how many, per file        -l, --files-with-matches    names alone
  -m, --max-count N          stop after N lines of each file
  -e, --regexp PATTERN       instead of the first argument; several: any of them
  --all                      older streams of each name (rotation), too; without it, the newest
  --also URL                 search there as well: another bucket or server; may be repeated
${timeHelp}.
                  Of all streams of each name
  --json                     a line per find: host, name, stream, line, offset of its first byte, text

With several files each line begins with HOST:NAME:. Lines go out byte for byte; on a terminal what could move the
cursor is escaped. A line longer than 1 MiB is searched in pieces. Missing bytes (gaps, expiry) are told on stderr.

${storeHelp}

Examples
  logcask grep ' 500 ' s3://acme-logs 'web-*' access.log
  logcask grep -c -i 'out of memory' s3://acme-logs '*' /var/log/kern.log --since 7d
  logcask grep -F -l 198.51.100.7 https://logs.example:8470
  logcask grep -n 'deadlock|timeout' file:///mnt/nas db-1 '*/mysql/*' --all -m 20

Exit status, as grep's: 0 found · 1 not found · 2 usage, or something could not be read
`,
  async run(input) {
    const { values, positionals, terminal, signal } = input
    const given = textsOf(values, 'regexp')
    const [patterns, [url, host = '*', name = '*', ...rest]] =
      given.length > 0 ? [given, positionals] : [positionals.slice(0, 1), positionals.slice(1)]
    if (url === undefined || rest.length > 0)
      throw usageError('what is searched, and where?', 'logcask grep PATTERN URL [HOST [NAME]]')
    const search = searchOf(input, patterns, isPattern(host) || isPattern(name))
    if (search.times !== undefined) terminal.say(timeNotice)
    const newestOnly = !isSet(values, 'all') && search.times === undefined
    try {
      return await withPlaces(input, [url, ...textsOf(values, 'also')], async (places) => {
        const targets: Target[] = []
        for (const place of places) targets.push(...(await selectTargets(input, place, host, name, { newestOnly })))
        const { kept, older } = newestOnly ? newestOf(targets) : { kept: targets, older: 0 }
        return searchAll(input, kept, search, older)
      })
    } catch (error) {
      // 1 is "not found" to who calls grep: what failed must not look like it.
      if (signal.aborted || !(error instanceof LogcaskError) || error.code === 'invalid') throw error
      tell(input, url, error)
      return grepExits.failed
    }
  },
}

function searchOf({ values, clock }: CommandInput, patterns: readonly string[], isNamed: boolean): Search {
  const times = timesOf(values, clock)
  const isNumbered = isSet(values, 'line-number')
  if (isNumbered && times !== undefined)
    throw usageError('-n and a time: nobody counted the lines before it', 'leave one of them out; --json has offsets')
  const max = textOf(values, 'max-count')
  if (max !== undefined && !/^[1-9]\d{0,14}$/.test(max))
    throw usageError(`--max-count ${max}: is no number of lines`, 'write it as -m 20')
  return {
    matches: matcherOf(patterns, {
      isFixed: isSet(values, 'fixed-strings'),
      ignoresCase: isSet(values, 'ignore-case'),
      isInverted: isSet(values, 'invert-match'),
    }),
    show: isSet(values, 'files-with-matches') ? 'name' : isSet(values, 'count') ? 'count' : 'lines',
    isJson: isSet(values, 'json'),
    isNamed,
    isNumbered,
    maxCount: max === undefined ? Number.POSITIVE_INFINITY : Number(max),
    times,
  }
}

async function withPlaces<T>(
  input: CommandInput,
  urls: readonly string[],
  work: (places: readonly ReadPlace[]) => Promise<T>,
  open: readonly ReadPlace[] = [],
): Promise<T> {
  const [url, ...others] = urls
  if (url === undefined) return work(open)
  return withPlace(input, url, (place) => withPlaces(input, others, work, [...open, place]))
}

function newestOf(targets: readonly Target[]): { kept: Target[]; older: number } {
  const kept = targets.map((target) => ({
    ...target,
    found: { ...target.found, streams: target.found.streams.slice(-1) },
  }))
  // With a whole path, nobody looked whether there are older ones.
  const older = ({ found }: Target): number => found.streams.length - 1 + (found.isPartial ? 1 : 0)
  return { kept, older: targets.reduce((sum, target) => sum + older(target), 0) }
}

async function searchAll(
  input: CommandInput,
  targets: readonly Target[],
  search: Search,
  older: number,
): Promise<number> {
  const { terminal, signal } = input
  const output = new OrderedOutput((bytes) => terminal.write(bytes))
  const sum = { lines: 0, files: 0, bytes: 0, failures: 0 }
  await forEachConcurrently(targets, searchesAtOnce, async (target) => {
    const turn = output.begin()
    try {
      const { lines, bytes } = await searchTarget(input, target, search, (text) => turn.write(text))
      sum.lines += lines
      sum.bytes += bytes
      if (lines > 0) sum.files++
    } catch (error) {
      if (signal.aborted || !(error instanceof LogcaskError)) throw error
      sum.failures++
      tell(input, `${pathForPeople(target.host)}:${pathForPeople(target.found.path)}`, error)
    } finally {
      await turn.close()
    }
  })
  terminal.say(
    [
      `${countText(sum.lines, 'line')} in ${formatCount(sum.files)} of ${countText(targets.length, 'file')}`,
      `${formatBytes(sum.bytes)} read`,
      ...(older > 0 ? [`${countText(older, 'older stream')} or more not searched: --all`] : []),
      ...(sum.failures > 0 ? [`${formatCount(sum.failures)} could not be read to the end`] : []),
    ].join(' · '),
  )
  if (sum.failures > 0) return grepExits.failed
  return sum.lines > 0 ? grepExits.found : grepExits.nothing
}

function tell({ terminal, values }: CommandInput, place: string, error: LogcaskError): void {
  const { code, message, hint } = error
  if (isSet(values, 'json'))
    terminal.warn(JSON.stringify({ place, error: { code, message, hint }, exit: grepExits.failed }))
  else terminal.warn(problemForPeople(place, error, terminal.paintMessage))
}
