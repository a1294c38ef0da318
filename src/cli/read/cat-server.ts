import { createHash } from 'node:crypto'
import { LogcaskError } from '../../base/errors.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { describeGap } from '../../bucket/stream-gaps.ts'
import type { StreamRow } from '../../bucket/stream-row.ts'
import { parseStreamId } from '../../format/keys.ts'
import { type CommandInput, isSet, textOf, usageError } from '../command.ts'
import { exits } from '../exit.ts'
import { noSuchName } from '../ls.ts'
import { formatBytes, formatCount } from '../terminal/units.ts'
import { byBirth, isPath, matchPath } from './read-names.ts'
import type { ByteRange } from './read-range.ts'
import { createServerClient, piecesOf, type ServerClient } from './server-client.ts'
import { serverRows, streamPath } from './server-rows.ts'

/** What the API takes as a glob; the end of a longer name finds more, and is compared here. */
const globMax = 150

/** `logcask cat https://server HOST NAME`: as from a bucket, but that the server checked the chain. */
export async function catFromServer(
  input: CommandInput,
  url: string,
  host: string,
  name: string,
  range: ByteRange,
): Promise<number> {
  const { values, terminal } = input
  if (isSet(values, 'follow')) {
    throw usageError(
      '--follow goes with a bucket, and with no server yet',
      `curl -N ${url}${streamPath(host, 'STREAM')}/follow`,
    )
  }
  const server = await createServerClient(input, url)
  const id = textOf(values, 'stream')
  const rows = id === undefined ? await findRows(input, server, host, name) : [await oneRow(server, host, id)]
  let status: number = exits.done
  for (const row of rows) {
    const printed = await printRow(input, server, host, row, range)
    for (const gap of row.gaps.filter(({ offset }) => offset < range.end)) {
      terminal.warn(`${row.stream}: gap at ${formatCount(gap.offset)}: ${describeGap(gap, formatBytes)}`)
      status = exits.lossy
    }
    if (row.completeness.kind === 'short' && range.end > row.bytes) {
      terminal.warn(`${row.stream}: ${formatBytes(row.completeness.missing)} that its seal counts are not there`)
      status = exits.lossy
    }
    terminal.say(printed)
  }
  return status
}

async function findRows(
  { values, terminal }: CommandInput,
  server: ServerClient,
  host: string,
  name: string,
): Promise<StreamRow[]> {
  const isAll = isSet(values, 'all')
  const found: StreamRow[] = []
  let isPartial = false
  for await (const rows of serverRows(server, host, `*${name.slice(-globMax)}`)) {
    found.push(...rows)
    // With a whole path the youngest is enough, and they come in that order where births are known.
    isPartial =
      !isAll &&
      name.startsWith('/') &&
      rows.some(({ stream, origin }) => !stream.startsWith('0-') && origin && isPath(name, origin))
    if (isPartial) break
  }
  const match = matchPath(
    name,
    found.flatMap(({ origin }) => origin ?? []),
  )
  const lookup = `logcask ls ${server.url} ${pathForPeople(host)}`
  if (!('path' in match)) throw noSuchName(name, match.candidates, lookup, ', or cat its stream: --stream ID')
  const rows = found.filter(({ origin }) => origin?.path === match.path).toSorted(byBirth)
  if (isAll) return rows
  if (rows.length > 1 || isPartial)
    terminal.say(`${pathForPeople(match.path)}: the newest stream, ${rows.at(-1)?.stream}; --all prints older ones too`)
  return rows.slice(-1)
}

async function oneRow(server: ServerClient, host: string, id: string): Promise<StreamRow> {
  if (parseStreamId(id) === undefined)
    throw usageError(`--stream ${id}: is no stream's id`, 'logcask ls URL HOST NAME lists them')
  for await (const rows of serverRows(server, host)) {
    const row = rows.find(({ stream }) => stream === id)
    if (row !== undefined) return row
  }
  throw usageError(`no stream of ${pathForPeople(host)} is ${id}`, `logcask ls ${server.url} ${pathForPeople(host)}`)
}

async function printRow(
  { terminal }: CommandInput,
  server: ServerClient,
  host: string,
  row: StreamRow,
  range: ByteRange,
): Promise<string> {
  const start = Math.max(range.start, row.expiredBefore ?? 0)
  if (row.expiredBefore !== undefined && range.start < row.expiredBefore)
    terminal.warn(
      `${row.stream}: the bytes before ${formatCount(row.expiredBefore)} are not there: they have expired, or never came`,
    )
  const isEmpty = start >= row.bytes + (row.expiredBefore ?? 0)
  if (isEmpty) return `nothing: the stream has ${formatCount(row.bytes)} bytes`
  const last = Number.isFinite(range.end) ? range.end - 1 : ''
  const isWhole = start === 0 && last === ''
  const response = await server.open(
    `${streamPath(host, row.stream)}/content`,
    isWhole ? {} : { range: `bytes=${start}-${last}` },
  )
  const hash = isWhole ? createHash('sha256') : undefined
  let at = start
  for await (const piece of piecesOf(server, response)) {
    hash?.update(piece)
    at += piece.byteLength
    await terminal.write(piece)
  }
  const { completeness } = row
  const isCompared = hash !== undefined && completeness.kind === 'sealed' && at === row.bytes
  const said = hash?.digest('hex') ?? ''
  if (isCompared && !completeness.sha256.includes(said)) {
    throw new LogcaskError('corrupt', `${textForPeople(host)} ${row.stream}: the content is not what its seal says`, {
      hint: 'compare with the bucket itself: logcask verify --from URL',
    })
  }
  return [
    `bytes ${formatCount(start)}–${formatCount(at)}`,
    `from ${server.url}`,
    ...(isCompared ? ['SHA-256 as sealed'] : []),
  ].join(' · ')
}
