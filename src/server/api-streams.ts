import { z } from 'zod'
import { isoTime } from '../base/clock.ts'
import { forEachConcurrently } from '../base/concurrency.ts'
import { isCode, messageWithHint } from '../base/errors.ts'
import { matchesGlob } from '../base/glob.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import { sealsOf } from '../bucket/stream-header.ts'
import { type ListedStream, listedStream, listGaps, listStreamNames } from '../bucket/stream-inventory.ts'
import { listSegments } from '../bucket/stream-listing.ts'
import { type StreamRow, surveyStream } from '../bucket/stream-row.ts'
import { birthOfIdentity, hostPrefix, parseStreamId, streamPrefix } from '../format/keys.ts'
import { type ApiContext, json, problemAnswer, readsAtOnce } from './api-context.ts'
import { problem } from './problem.ts'
import { type Route, route } from './route.ts'
import * as schemas from './schemas.ts'

/** Streams in an answer. */
const pageMax = 200
/** Streams that are looked at for one answer, whatever the filter leaves: each costs some five requests. */
const looksMax = 400

type Row = z.output<typeof schemas.streamRow>

export function streamRoutes(context: ApiContext): Route[] {
  const { bucket } = context
  return [
    route({
      path: '/api/v1/hosts/{host}/streams',
      operationId: 'listStreams',
      summary: 'Streams of a host, the youngest first; gaps, forks, strays and tampering with finding=…',
      query: z.strictObject({
        name: z.string().max(200).optional().describe('A glob over the path, or over the name that its source gave it'),
        state: z.enum(schemas.states).optional(),
        finding: z.enum(schemas.findings).optional(),
        bornFrom: z.iso.datetime().optional().describe('ISO 8601, UTC; streams without a birth time are left out'),
        bornTo: z.iso.datetime().optional(),
        after: z.string().max(100).optional().describe('Go on behind this stream'),
        limit: z.coerce.number().int().min(1).max(pageMax).default(50),
      }),
      responses: {
        200: {
          description: 'A page of streams; it may be short, or empty, and still have a next one',
          schema: schemas.streamPage,
        },
      },
      async answer({ params: { host = '' }, query, signal }) {
        const { after, limit } = query
        const all = await listStreamNames(bucket, host, { signal })
        if (all.length === 0) return problemAnswer(problem(404, 'no such host'))
        const names = all
          .filter((stream) => isBornWithin(stream, query) && (after === undefined || stream < after))
          .reverse()
        const streams: Row[] = []
        let looked = 0
        while (streams.length < limit && looked < Math.min(names.length, looksMax)) {
          const batch = names.slice(looked, Math.min(looked + Math.min(readsAtOnce * 4, limit), looksMax))
          const rows = await surveyAll(context, host, batch, signal)
          for (const row of rows) {
            if (streams.length === limit) break
            looked++
            if (isAsked(row, query)) streams.push(rowOf(host, row))
          }
        }
        return json({ streams, next: looked < names.length ? (names[looked - 1] ?? null) : null })
      },
    }),
    route({
      path: '/api/v1/hosts/{host}/streams/{stream}',
      operationId: 'getStream',
      summary: 'One stream: where it came from, how long it is, its seals and gaps, and what is odd about it',
      query: z.strictObject({}),
      responses: { 200: { description: 'The stream', schema: schemas.streamDetail } },
      async answer({ params: { host = '', stream = '' }, signal }) {
        const listed = await listOne(context, host, stream, signal)
        if (listed === undefined) return problemAnswer(problem(404, 'no such stream'))
        const row = await surveyStream(bucket, host, listed, signal)
        const { identity = '' } = parseStreamId(stream) ?? {}
        const published = await context.publishedLength(host, stream)
        return json({
          ...rowOf(host, row),
          machine: row.origin?.machine ?? null,
          identity: row.origin?.identity ?? null,
          agent: row.origin?.agent ?? null,
          published: published ?? null,
          seals: listed.seals.map(({ length, sha256, storedAtMs }) => ({
            length,
            sha256,
            stored: isoTime(storedAtMs),
          })),
          generations: await generationsOf(context, hostPrefix('segments', host), identity, signal),
        })
      },
    }),
  ]
}

function isBornWithin(
  stream: string,
  { bornFrom, bornTo }: { bornFrom?: string | undefined; bornTo?: string | undefined },
): boolean {
  if (bornFrom === undefined && bornTo === undefined) return true
  const birth = birthOfIdentity(parseStreamId(stream)?.identity ?? '')
  if (birth === undefined) return false
  const ms = Date.parse(`${birth.slice(0, 23)}Z`)
  return (
    ms >= Date.parse(bornFrom ?? '1970-01-01T00:00:00Z') && ms < (bornTo === undefined ? Infinity : Date.parse(bornTo))
  )
}

async function surveyAll(
  context: ApiContext,
  host: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<StreamRow[]> {
  const rows = new Map<string, StreamRow>()
  await forEachConcurrently(names, readsAtOnce, async (stream) => {
    try {
      const listed = (await listOne(context, host, stream, signal)) ?? listedStream(stream, [], {})
      rows.set(stream, await surveyStream(context.bucket, host, listed, signal))
    } catch (error) {
      // One that holds more than may be listed costs the others nothing.
      if (!isCode(error, 'refused')) throw error
      const nothing = await surveyStream(context.bucket, host, listedStream(stream, [], {}), signal)
      rows.set(stream, { ...nothing, problem: messageWithHint(error) })
    }
  })
  return names.flatMap((stream) => rows.get(stream) ?? [])
}

/** The records first: what they speak of is in the bucket by then. */
async function listOne(
  { bucket }: ApiContext,
  host: string,
  stream: string,
  signal: AbortSignal,
): Promise<ListedStream | undefined> {
  const [seals, gaps] = await Promise.all([
    sealsOf(bucket, host, stream, signal),
    listGaps(bucket, host, { prefix: streamPrefix('gaps', host, stream), signal }),
  ])
  const { all } = await listSegments(bucket, host, stream, { signal })
  if (all.length === 0 && seals.length === 0 && gaps.size === 0) return undefined
  return listedStream(stream, [...all], { seals: new Map([[stream, seals]]), gaps })
}

async function generationsOf(
  { bucket }: ApiContext,
  room: string,
  identity: string,
  signal: AbortSignal,
): Promise<string[]> {
  const names: string[] = []
  for await (const entry of bucket.list(`${room}${identity}`, { delimiter: '/', signal })) {
    const name = entry.kind === 'prefix' ? entry.prefix.slice(room.length, -1) : ''
    if (parseStreamId(name)?.identity === identity) names.push(name)
    // More are no file's lives.
    if (names.length === 100) break
  }
  return names
}

function isAsked(
  row: StreamRow,
  query: { name?: string | undefined; state?: string | undefined; finding?: string | undefined },
): boolean {
  const { name, state, finding } = query
  const { path, labels } = row.origin ?? {}
  if (
    name !== undefined &&
    ![path, path && pathForPeople(path), labels?.name].some((one) => one !== undefined && matchesGlob(name, one))
  )
    return false
  return (state === undefined || stateOf(row) === state) && (finding === undefined || hasFinding(row, finding))
}

function hasFinding(row: StreamRow, finding: string): boolean {
  if (finding === 'gap') return row.gaps.length > 0
  if (finding === 'fork') return row.origin?.forkOf !== undefined
  if (finding === 'stray') return row.strays > 0
  if (finding === 'tampered') return row.tampered !== undefined
  if (finding === 'expired') return row.expiredBefore !== undefined
  return row.problem !== undefined
}

function stateOf(row: StreamRow): Row['state'] {
  if (row.problem !== undefined) return 'unreadable'
  return row.completeness.kind === 'unsealed' ? 'live' : row.completeness.kind
}

function rowOf(host: string, row: StreamRow): Row {
  const { stream, origin, completeness, storedAtMs } = row
  return {
    host,
    stream,
    name: origin?.path ?? null,
    shown: origin === undefined ? null : pathForPeople(origin.path),
    born: birthOfIdentity(parseStreamId(stream)?.identity ?? '') ?? null,
    bytes: row.bytes,
    segments: row.segments,
    last: storedAtMs === undefined ? null : isoTime(storedAtMs),
    state: stateOf(row),
    sha256: completeness.kind === 'sealed' ? [...completeness.sha256] : [],
    missing: completeness.kind === 'short' ? completeness.missing : null,
    gaps: [...row.gaps],
    forkOf: origin?.forkOf ?? null,
    labels: origin?.labels ?? {},
    aliases: [...row.aliases],
    strays: row.strays,
    tampered: row.tampered ?? null,
    expiredBefore: row.expiredBefore ?? null,
    problem: row.problem ?? null,
  }
}
