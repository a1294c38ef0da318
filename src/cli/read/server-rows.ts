import type { z } from 'zod'
import { isoTime } from '../../base/clock.ts'
import { LogcaskError } from '../../base/errors.ts'
import type { Times } from '../../bucket/delivered-between.ts'
import type { StreamRow } from '../../bucket/stream-row.ts'
import { parseStreamId } from '../../format/keys.ts'
import { deliveredBytes } from '../../server/api-delivered.ts'
import { hostPage, streamDetail, streamPage, type streamRow } from '../../server/schemas.ts'
import type { ByteRange } from './read-range.ts'
import type { ServerClient } from './server-client.ts'

/** All hosts that the reader may read, in order. */
export async function serverHosts(server: ServerClient): Promise<string[]> {
  const hosts: string[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page: z.output<typeof hostPage> = await ask(
      server,
      `/api/v1/hosts?limit=200${after && `&after=${inPath(after)}`}`,
      hostPage,
    )
    hosts.push(...page.hosts.map(({ host }) => host))
    after = page.next
  }
  return hosts
}

export function streamPath(host: string, stream: string): string {
  return `/api/v1/hosts/${inPath(host)}/streams/${stream}`
}

/** Streams of a host, the youngest first, page by page; `glob` over their names. */
export async function* serverRows(server: ServerClient, host: string, glob = '*'): AsyncGenerator<StreamRow[]> {
  const base = `/api/v1/hosts/${inPath(host)}/streams?limit=200${glob === '*' ? '' : `&name=${inPath(glob)}`}`
  for (let after: string | null = ''; after !== null; ) {
    const page: z.output<typeof streamPage> = await ask(server, `${base}${after && `&after=${after}`}`, streamPage)
    yield page.streams.map(rowOf)
    after = page.next
  }
}

/** One stream of a host. Rejects `invalid` where there is no such one. */
export async function serverRow(server: ServerClient, host: string, stream: string): Promise<StreamRow> {
  return rowOf(await ask(server, streamPath(host, stream), streamDetail))
}

/** The bytes that were delivered in that time; undefined where none were. */
export async function serverDelivered(
  server: ServerClient,
  host: string,
  stream: string,
  { fromMs, toMs }: Times,
): Promise<ByteRange | undefined> {
  const query = [
    ...(Number.isFinite(fromMs) ? [`from=${isoTime(fromMs)}`] : []),
    ...(Number.isFinite(toMs) ? [`to=${isoTime(toMs)}`] : []),
  ].join('&')
  const { start, end } = await ask(server, `${streamPath(host, stream)}/delivered?${query}`, deliveredBytes)
  return start === null ? undefined : { start, end: end ?? Number.POSITIVE_INFINITY }
}

function inPath(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

async function ask<T extends z.ZodType>(server: ServerClient, path: string, schema: T): Promise<z.output<T>> {
  const result = schema.safeParse(await server.json(path))
  if (result.success) return result.data
  throw new LogcaskError('corrupt', `${server.url}: its answer is not as its document says`, {
    hint: 'a later version of logcask may be there: install the same here',
    cause: result.error,
  })
}

function rowOf(row: z.output<typeof streamRow>): StreamRow {
  const { stream, name, state, sha256, missing } = row
  // It is printed, and part of paths.
  if (parseStreamId(stream) === undefined)
    throw new LogcaskError('corrupt', 'the server names a stream that is none', {
      hint: 'install the same logcask there',
    })
  return {
    stream,
    origin:
      name === null
        ? undefined
        : {
            path: name,
            identity: parseStreamId(stream)?.identity ?? '',
            agent: '',
            ...(Object.keys(row.labels).length > 0 ? { labels: row.labels } : {}),
            ...(row.forkOf ? { forkOf: row.forkOf } : {}),
          },
    bytes: row.bytes,
    segments: row.segments,
    storedAtMs: row.last === null ? undefined : Date.parse(row.last),
    completeness:
      state === 'sealed'
        ? { kind: state, sha256 }
        : state === 'short'
          ? { kind: state, length: row.bytes + (missing ?? 0), missing: missing ?? 0 }
          : { kind: state === 'outgrown' ? state : 'unsealed' },
    gaps: row.gaps.map(({ problem, ...gap }) => (problem === undefined ? gap : { ...gap, problem })),
    aliases: row.aliases,
    strays: row.strays,
    tampered: row.tampered ?? undefined,
    expiredBefore: row.expiredBefore ?? undefined,
    problem: row.problem ?? undefined,
  }
}
