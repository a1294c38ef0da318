import { pathForPeople, textForPeople } from '../base/path-bytes.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { describeGap } from '../bucket/stream-gaps.ts'
import { parseStreamId } from '../format/keys.ts'
import { type Command, type CommandInput, expectArguments, isSet, textOf, usageError } from './command.ts'
import { storeHelp, storeOptions } from './compose/open-bucket.ts'
import { exits } from './exit.ts'
import { type Found, findStreams } from './read/cat-find.ts'
import { followStream } from './read/cat-follow.ts'
import { type Loss, notSealedContent, type Printed, printStream } from './read/cat-print.ts'
import { withReader } from './read/read-bucket.ts'
import { type ByteRange, parseRange } from './read/read-range.ts'
import { isServerUrl } from './read/server-client.ts'
import { formatBytes, formatCount } from './terminal/units.ts'

export const command: Command = {
  name: 'cat',
  options: {
    ...storeOptions,
    stream: { type: 'string' },
    all: { type: 'boolean' },
    range: { type: 'string' },
    follow: { type: 'boolean', short: 'f' },
  },
  help: `
logcask cat URL HOST NAME [--all] [--range a-b] [--follow]
logcask cat URL HOST --stream ID [--range a-b] [--follow]

Prints a file's bytes, put together from its segments; no compactor is needed, nothing is written anywhere. NAME is
its path, or the end of it where that is clear. Of several streams of that name (rotation) it takes the newest, and says
so. Each joint of the chain is checked, and the whole against its seal.
  --stream ID     this stream; logcask ls URL HOST NAME lists them
  --all           all streams of that name, in the order of their birth
  --range a-b     bytes a up to, not including, b (b may be left out; 1MiB-2MiB). Of each segment before a only the last
                  4 KiB are read: one small request per segment
  -f, --follow    goes on as more comes, and with the next stream after a rotation (what an old stream still gets after
                  10 s of silence is not shown: --all). Each look is a request, each fifth one has 2 more: 500 per
                  hour while nothing comes, at most 10,000

URL may be a server, too (logcask serve): https://logs.example:8470, with its token in LOGCASK_TOKEN, but for --follow.

${storeHelp}

Examples
  logcask cat s3://acme-logs web-1 /var/log/nginx/access.log | grep ' 500 '
  logcask cat file:///mnt/nas web-1 access.log --all > access.log
  logcask cat s3://acme-logs web-1 syslog --follow
  LOGCASK_TOKEN=… logcask cat https://logs.example:8470 web-1 syslog
  logcask cat s3://acme-logs web-1 /var/log/mysql/binlog.000017 --range 4MiB-5MiB

Exit status: 0 done · 1 the content is not what its seal says · 2 usage, or no such name · 3 bytes are missing
(stderr says which) · 75 the store did not answer
`,
  async run(input) {
    const { values, positionals } = input
    const id = textOf(values, 'stream')
    expectArguments(positionals, 'logcask cat URL HOST NAME', id === undefined ? 3 : 2, 3)
    const [url = '', host = '', name = ''] = positionals
    const range = rangeOf(input)
    if (isServerUrl(url)) return (await import('./read/cat-server.ts')).catFromServer(input, url, host, name, range)
    return withReader(input, url, async (bucket) => {
      const found = id === undefined ? await findByName(input, bucket, host, name) : only(id)
      return printStreams(input, bucket, host, found, range)
    })
  },
}

function rangeOf({ values }: CommandInput): ByteRange {
  const text = textOf(values, 'range')
  const range = text === undefined ? { start: 0, end: Number.POSITIVE_INFINITY } : parseRange(text)
  const isFollowing = isSet(values, 'follow')
  if (isSet(values, 'all') && (isFollowing || text !== undefined || textOf(values, 'stream') !== undefined)) {
    throw usageError('--all goes with none of --stream, --range and --follow', 'leave one of them out')
  }
  if (isFollowing && Number.isFinite(range.end)) {
    throw usageError('--follow and a --range that ends', `write --range ${range.start}- to go on from there`)
  }
  return range
}

function only(id: string): Found {
  if (parseStreamId(id) === undefined) {
    throw usageError(`--stream ${id}: is no stream's id`, 'logcask ls URL HOST NAME lists them')
  }
  return { path: id, streams: [id], isPartial: false, unreadable: [] }
}

async function findByName(
  { values, terminal, signal }: CommandInput,
  bucket: Bucket,
  host: string,
  name: string,
): Promise<Found> {
  const isAll = isSet(values, 'all')
  const found = await findStreams(bucket, host, name, { newestOnly: !isAll, signal })
  for (const { stream, problem } of found.unreadable.slice(0, 3)) {
    terminal.warn(`${stream}: cannot be read, and may be of this name: ${textForPeople(problem?.message ?? '')}`)
  }
  const older = found.streams.length - 1
  const newest = found.streams.at(-1) ?? ''
  if (!isAll && (older > 0 || found.isPartial)) {
    const others = older > 0 ? `${older}${found.isPartial ? ' or more' : ''} older` : 'maybe older ones'
    terminal.say(`${pathForPeople(found.path)}: the newest stream, ${newest}; ${others}: --all prints them too`)
  }
  return isAll ? found : { ...found, streams: [newest] }
}

async function printStreams(
  input: CommandInput,
  bucket: Bucket,
  host: string,
  found: Found,
  range: ByteRange,
): Promise<number> {
  const { values, terminal, signal } = input
  let status: number = exits.done
  for (const stream of found.streams) {
    const printed = await printStream(bucket, host, stream, range, (bytes) => terminal.write(bytes), signal)
    tellLosses(input, stream, printed.losses)
    if (printed.verified === false) throw notSealedContent(host, stream)
    if (printed.losses.length > 0) status = exits.lossy
    terminal.say(printedText(printed, range))
    if (isSet(values, 'follow')) {
      const path = textOf(values, 'stream') === undefined ? found.path : undefined
      await followStream(input, bucket, { host, stream, path }, printed.chainEnd)
    }
  }
  return status
}

function printedText({ start, end, chainEnd, verified }: Printed, range: ByteRange): string {
  if (range.start > chainEnd.offset) {
    return `nothing: the stream has ${formatCount(chainEnd.offset)} bytes, and the range begins at ${formatCount(range.start)}`
  }
  const seal = verified === true ? ['SHA-256 as sealed'] : []
  return [`bytes ${formatCount(start)}–${formatCount(end)}`, 'chain verified', ...seal].join(' · ')
}

function tellLosses({ terminal }: CommandInput, stream: string, losses: readonly Loss[]): void {
  for (const loss of losses) terminal.warn(`${stream}: ${lossText(loss)}`)
}

function lossText(loss: Loss): string {
  switch (loss.kind) {
    case 'expired':
      return `the bytes before ${formatCount(loss.before)} are not there: they have expired, or never came`
    case 'short':
      return `${formatBytes(loss.missing)} that its seal counts are not there: not delivered yet, lost, or expired`
    case 'unread-seal':
      return `there may be more, by a seal that cannot be read: ${textForPeople(loss.problem)}`
    case 'gap':
      return `gap at ${formatCount(loss.offset)}: ${describeGap(loss, formatBytes)}`
  }
}
