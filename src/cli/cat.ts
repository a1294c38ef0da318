import { pathForPeople } from '../base/path-bytes.ts'
import type { ContentRead } from '../bucket/stream-content.ts'
import { parseStreamId } from '../format/keys.ts'
import { type Command, type CommandInput, expectArguments, isSet, textOf, usageError } from './command.ts'
import { storeHelp, storeOptions } from './compose/open-bucket.ts'
import { exits } from './exit.ts'
import { withPlace } from './read/bucket-place.ts'
import { lossText, notSealedContent, printContent } from './read/cat-print.ts'
import { type ReadPlace, selectTargets, type Target } from './read/read-place.ts'
import { type ByteRange, behindRange, parseRange, wholeRange } from './read/read-range.ts'
import { timeHelp, timeNotice, timeOptions, timesOf } from './read/read-times.ts'
import { formatCount } from './terminal/units.ts'

export const command: Command = {
  name: 'cat',
  options: {
    ...storeOptions,
    ...timeOptions,
    stream: { type: 'string' },
    all: { type: 'boolean' },
    range: { type: 'string' },
    follow: { type: 'boolean', short: 'f' },
  },
  help: `
logcask cat URL HOST NAME [--all] [--range a-b] [--since T] [--until T] [--follow]
logcask cat URL HOST --stream ID [--range a-b] [--since T] [--until T] [--follow]

Prints a file's bytes, put together from its segments; no compactor is needed, nothing is written anywhere. NAME is
its path, or the end of it where that is clear. Of several streams of that name (rotation) it takes the newest, and says
so. Each joint of the chain is checked, and the whole against its seal.
HOST and NAME may be patterns: * stands for any characters (slashes, too), ? for one; all that fit are printed, by host
and path.
  --stream ID     this stream; logcask ls URL HOST NAME lists them
  --all           all streams of that name, in the order of their birth
  --range a-b     bytes a up to, not including, b (b may be left out; 1MiB-2MiB). Of each segment before a only the last
                  4 KiB are read: one small request per segment
${timeHelp}.
                  Of all streams of that name, and in whole segments: the first line may be cut
  -f, --follow    goes on as more comes, and with the next stream after a rotation (what an old stream still gets after
                  10 s of silence is not shown: --all). Each look is a request, each fifth one has 2 more: 500 per
                  hour while nothing comes, at most 10,000

URL may be a server, too (logcask serve): https://logs.example:8470, with its token in LOGCASK_TOKEN. --follow is then
one connection; when it is cut, it goes on behind the last byte that was printed.

${storeHelp}

Examples
  logcask cat s3://acme-logs web-1 /var/log/nginx/access.log | grep ' 500 '
  logcask cat file:///mnt/nas web-1 access.log --all > access.log
  logcask cat s3://acme-logs web-1 syslog --follow
  logcask cat s3://acme-logs 'web-*' access.log --since 10m
  LOGCASK_TOKEN=… logcask cat https://logs.example:8470 web-1 syslog --follow
  logcask cat s3://acme-logs web-1 /var/log/mysql/binlog.000017 --range 4MiB-5MiB

Exit status: 0 done · 1 the content is not what its seal says · 2 usage, or no such name · 3 bytes are missing
(stderr says which) · 75 the store did not answer
`,
  async run(input) {
    const { values, positionals, clock, terminal } = input
    const id = textOf(values, 'stream')
    expectArguments(positionals, 'logcask cat URL HOST NAME', id === undefined ? 3 : 2, 3)
    const [url = '', host = '', name = ''] = positionals
    const asked: Asked = { range: rangeOf(input), times: timesOf(values, clock) }
    return withPlace(input, url, async (place) => {
      const targets = id === undefined ? await findTargets(input, place, host, name, asked) : [only(place, host, id)]
      if (asked.times !== undefined) terminal.say(timeNotice)
      return printTargets(input, targets, asked)
    })
  },
}

interface Asked {
  range: ByteRange
  times: ReturnType<typeof timesOf>
}

function rangeOf({ values }: CommandInput): ByteRange {
  const text = textOf(values, 'range')
  const range = text === undefined ? wholeRange : parseRange(text)
  const isFollowing = isSet(values, 'follow')
  const hasTimes = textOf(values, 'since') !== undefined || textOf(values, 'until') !== undefined
  if (isSet(values, 'all') && (isFollowing || text !== undefined || textOf(values, 'stream') !== undefined)) {
    throw usageError('--all goes with none of --stream, --range and --follow', 'leave one of them out')
  }
  if (isFollowing && Number.isFinite(range.end)) {
    throw usageError('--follow and a --range that ends', `write --range ${range.start}- to go on from there`)
  }
  if (isFollowing && textOf(values, 'until') !== undefined)
    throw usageError('--follow and --until', 'leave one of them out')
  if (hasTimes && text !== undefined) throw usageError('--range and a time', 'leave one of them out')
  return range
}

function only(place: ReadPlace, host: string, id: string): Target {
  if (parseStreamId(id) === undefined) {
    throw usageError(`--stream ${id}: is no stream's id`, 'logcask ls URL HOST NAME lists them')
  }
  return { place, host, found: { path: id, streams: [id], isPartial: false, unreadable: [] } }
}

async function findTargets(
  input: CommandInput,
  place: ReadPlace,
  host: string,
  name: string,
  { times }: Asked,
): Promise<Target[]> {
  const { values, terminal } = input
  const isAll = isSet(values, 'all') || times !== undefined
  const targets = await selectTargets(input, place, host, name, { newestOnly: !isAll })
  const isOne = isSet(values, 'follow') ? '--follow' : textOf(values, 'range') === undefined ? undefined : '--range'
  if (targets.length > 1 && isOne !== undefined)
    throw usageError(
      `${isOne} is for one file, and ${pathForPeople(name)} means ${targets.length}`,
      'name one of them: logcask ls lists them',
    )
  if (isAll) return targets
  return targets.map((target) => {
    const { found } = target
    const older = found.streams.length - 1
    const newest = found.streams.at(-1) ?? ''
    if (older > 0 || found.isPartial) {
      const others = older > 0 ? `${older}${found.isPartial ? ' or more' : ''} older` : 'maybe older ones'
      terminal.say(`${pathForPeople(found.path)}: the newest stream, ${newest}; ${others}: --all prints them too`)
    }
    return { ...target, found: { ...found, streams: [newest] } }
  })
}

async function printTargets(input: CommandInput, targets: readonly Target[], asked: Asked): Promise<number> {
  const { terminal, values } = input
  let status: number = exits.done
  for (const { place, host, found } of targets) {
    const label = targets.length > 1 ? `${pathForPeople(host)} ${pathForPeople(found.path)}: ` : ''
    const path = textOf(values, 'stream') === undefined ? found.path : undefined
    let printed = 0
    for (const stream of found.streams) {
      const isLast = stream === found.streams.at(-1)
      const isFollowed = isSet(values, 'follow') && isLast
      const delivered = asked.times === undefined ? asked.range : await place.delivered(host, stream, asked.times)
      if (delivered === undefined && !isFollowed) continue
      const range = delivered ?? behindRange
      const read = await printContent(place.read(host, stream, range), (bytes) => terminal.write(bytes))
      if (delivered !== undefined) printed++
      for (const loss of read.losses) {
        terminal.warn(`${label}${stream}: ${lossText(loss)}`)
        status = exits.lossy
      }
      if (read.verified === false) throw notSealedContent(host, stream)
      if (delivered !== undefined) terminal.say(`${label}${printedText(place, read, range)}`)
      if (isFollowed && printed === 0) terminal.say(`${label}${nothingThen}`)
      if (isFollowed) await place.follow({ host, stream, path }, read.chainEnd)
    }
    if (printed === 0) terminal.say(`${label}${nothingThen}`)
  }
  return status
}

const nothingThen = 'nothing was delivered in that time'

function printedText(place: ReadPlace, { start, end, chainEnd, verified }: ContentRead, range: ByteRange): string {
  if (range.start > chainEnd.offset) {
    return `nothing: the stream has ${formatCount(chainEnd.offset)} bytes, and the range begins at ${formatCount(range.start)}`
  }
  const seal = verified === true ? ['SHA-256 as sealed'] : []
  const voucher = range.from === undefined ? place.voucher : 'chain verified from there on'
  return [`bytes ${formatCount(start)}–${formatCount(end)}`, voucher, ...seal].join(' · ')
}
