import { createHash } from 'node:crypto'
import { pathForPeople } from '../../base/path-bytes.ts'
import type { ContentRead, Loss } from '../../bucket/stream-content.ts'
import type { StreamRow } from '../../bucket/stream-row.ts'
import type { CommandInput } from '../command.ts'
import { noSuchName } from './no-such-name.ts'
import { byBirth, isPath, isPattern, matchPaths } from './read-names.ts'
import type { FindOptions, Found, ReadPlace } from './read-place.ts'
import type { ByteRange } from './read-range.ts'
import { createServerClient, piecesOf, type ServerClient } from './server-client.ts'
import { followServer } from './server-follow.ts'
import { serverDelivered, serverHosts, serverRow, serverRows, streamPath } from './server-rows.ts'

/** What the API takes as a glob; the end of a longer name finds more, and is compared here. */
const globMax = 150

/** As from a bucket, but that the server checked the chain; the seal is compared here. */
export async function serverPlace(input: CommandInput, url: string): Promise<ReadPlace> {
  const server = await createServerClient(input, url)
  const known = new Map<string, StreamRow>()
  const rowOf = async (host: string, stream: string): Promise<StreamRow> => {
    const key = `${host}\n${stream}`
    const row = known.get(key) ?? (await serverRow(server, host, stream))
    known.set(key, row)
    return row
  }
  return {
    url: server.url,
    voucher: `from ${server.url}`,
    hosts: () => serverHosts(server),
    async find(host, name, options) {
      const rows = await findRows(server, host, name, options)
      for (const row of rows.flatMap((one) => one.rows)) known.set(`${host}\n${row.stream}`, row)
      return rows.map(({ found }) => found)
    },
    delivered: (host, stream, times) => serverDelivered(server, host, stream, times),
    async *read(host, stream, range) {
      return yield* readRow(server, host, await rowOf(host, stream), range)
    },
    follow: (followed, end) => followServer(input, server, followed, end.offset),
  }
}

async function findRows(
  server: ServerClient,
  host: string,
  name: string,
  options: FindOptions,
): Promise<{ found: Found; rows: readonly StreamRow[] }[]> {
  const all: StreamRow[] = []
  let isPartial = false
  for await (const rows of serverRows(server, host, `*${name.slice(-globMax)}`)) {
    all.push(...rows)
    // With a whole path the youngest is enough, and they come in that order where births are known.
    isPartial =
      options.newestOnly &&
      name.startsWith('/') &&
      !isPattern(name) &&
      rows.some(({ stream, origin }) => !stream.startsWith('0-') && origin && isPath(name, origin))
    if (isPartial) break
  }
  const match = matchPaths(
    name,
    all.flatMap(({ origin }) => origin ?? []),
    options,
  )
  const lookup = `logcask ls ${server.url} ${pathForPeople(host)}`
  if (!('paths' in match)) throw noSuchName(name, match.candidates, lookup, ', or cat its stream: --stream ID')
  return match.paths.map((path) => {
    const rows = all.filter(({ origin }) => origin?.path === path).toSorted(byBirth)
    const streams = rows.map(({ stream }) => stream)
    return { found: { path, streams, isPartial, unreadable: [] }, rows }
  })
}

async function* readRow(
  server: ServerClient,
  host: string,
  row: StreamRow,
  range: ByteRange,
): AsyncGenerator<Uint8Array, ContentRead> {
  const expired = row.expiredBefore ?? 0
  const start = Math.max(range.start, expired)
  const last = Number.isFinite(range.end) ? range.end - 1 : ''
  const isWhole = start === 0 && last === ''
  const hash = isWhole ? createHash('sha256') : undefined
  let end = start
  if (start < row.bytes + expired) {
    const path = `${streamPath(host, row.stream)}/content`
    const response = await server.open(path, isWhole ? {} : { range: `bytes=${start}-${last}` })
    try {
      for await (const piece of piecesOf(server, response)) {
        hash?.update(piece)
        end += piece.byteLength
        yield piece
      }
    } finally {
      response.destroy()
    }
  }
  const { completeness } = row
  const isCompared = hash !== undefined && completeness.kind === 'sealed' && end === row.bytes
  const verified = isCompared ? completeness.sha256.includes(hash.digest('hex')) : undefined
  const chainEnd = { offset: Math.max(end, row.bytes + expired), window: new Uint8Array(0) }
  return {
    start,
    end,
    chainEnd: end > start ? { ...chainEnd, offset: end } : chainEnd,
    verified,
    losses: lossesOf(row, range),
  }
}

function lossesOf(row: StreamRow, range: ByteRange): Loss[] {
  const { completeness, expiredBefore, gaps } = row
  const losses: Loss[] = []
  if (expiredBefore !== undefined && range.start < expiredBefore)
    losses.push({ kind: 'expired', before: expiredBefore })
  if (completeness.kind === 'short' && range.end > row.bytes)
    losses.push({ kind: 'short', missing: completeness.missing })
  for (const gap of gaps) if (gap.offset < range.end) losses.push({ kind: 'gap', ...gap })
  return losses
}
