import { z } from 'zod'
import { forEachConcurrently, mapInOrder } from '../base/concurrency.ts'
import { isCode } from '../base/errors.ts'
import { matchesGlob } from '../base/glob.ts'
import { sha256 } from '../base/hash.ts'
import { listHosts } from '../bucket/stream-inventory.ts'
import { decodeDigest } from '../format/digest.ts'
import { checkDigests, type StoredDigest } from '../format/digest-chain.ts'
import { fromHour, hostPrefix, hourMs, hourOf, hourStart, parseKey } from '../format/keys.ts'
import { digestBytesMax } from '../format/limits.ts'
import { mayRead } from './access.ts'
import { type ApiContext, json, readsAtOnce } from './api-context.ts'
import { type Route, route } from './route.ts'
import * as schemas from './schemas.ts'
import { looksMax, signOfLife } from './sign-of-life.ts'

/** Hosts in an answer; each costs a listing or two. */
const pageMax = 200
/** Digests that one answer reads; a week of one agent is 168, of a dozen 2,016. */
const digestsMax = 2_016

export function hostRoutes(context: ApiContext): Route[] {
  const { bucket, clock, acceptsHost } = context
  return [
    route({
      path: '/api/v1/hosts',
      operationId: 'listHosts',
      summary: 'Hosts that have delivered anything and that the reader may read, by name; silent ones with sign=silent',
      query: z.strictObject({
        name: z.string().max(200).optional().describe('A glob: * and ?'),
        sign: schemas.host.shape.sign.optional(),
        after: z.string().max(200).optional().describe('Go on behind this host'),
        limit: z.coerce.number().int().min(1).max(pageMax).default(50).describe('Hosts that are looked at'),
      }),
      responses: { 200: { description: 'A page of hosts', schema: schemas.hostPage } },
      async answer({ query, reader, signal }) {
        const { name = '*', after, limit, sign } = query
        const found = (await listHosts(bucket, { signal })).filter(
          (host) =>
            matchesGlob(name, host) &&
            mayRead(reader, host) &&
            acceptsHost(host) &&
            (after === undefined || host > after),
        )
        const hosts = await describeHosts(context, found.slice(0, limit), signal)
        return json({
          hosts: hosts.filter((one) => sign === undefined || one.sign === sign),
          next: found.length > limit ? found[limit - 1] : null,
        })
      },
    }),
    route({
      path: '/api/v1/hosts/{host}/digests',
      operationId: 'checkDigests',
      summary: 'What the signs of life of a host say: silent hours, several agents at once, a history that was changed',
      query: z.strictObject({ hours: z.coerce.number().int().min(1).max(168).default(24) }),
      responses: { 200: { description: 'The findings', schema: schemas.digests } },
      async answer({ params: { host = '' }, query, signal }) {
        const nowMs = clock.now()
        const sinceHour = hourOf(nowMs - query.hours * hourMs)
        // One hour more: what the first ones of the time that was asked for name as their predecessors.
        const { stored, cutAt } = await readDigests(context, host, hourOf(hourStart(sinceHour) - hourMs), signal)
        const untilMs = cutAt === undefined ? nowMs : Math.min(nowMs, hourStart(cutAt))
        const { silentHours, severalAgents, broken } = checkDigests(stored, untilMs)
        const firsts = new Set([...Map.groupBy(stored, ({ agent }) => agent)].map(([, [one]]) => one))
        const isFirst = (hour: string, agent: string): boolean =>
          [...firsts].some((one) => one?.hour === hour && one.agent === agent)
        return json({
          host,
          sinceHour,
          untilHour: cutAt ?? null,
          silentHours: silentHours.filter((hour) => hour >= sinceHour),
          severalAgents: severalAgents.filter(({ hour }) => hour >= sinceHour),
          // The predecessor of an agent's first one here lies further back: nothing says that it is missing.
          broken: broken.filter(
            ({ hour, agent, why }) => hour >= sinceHour && !(why === 'predecessor missing' && isFirst(hour, agent)),
          ),
        })
      },
    }),
  ]
}

async function describeHosts(
  context: ApiContext,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<z.output<typeof schemas.host>[]> {
  const described = hosts.map((host): z.output<typeof schemas.host> => ({ host, sign: 'none', lastDigestHour: null }))
  await forEachConcurrently(described, readsAtOnce, async (one) => {
    const { sign, lastHour } = await signOfLife(context, one.host, signal)
    one.sign = sign === 'long-silent' ? 'silent' : sign
    one.lastDigestHour = lastHour ?? null
  })
  return described
}

async function readDigests(
  { bucket }: ApiContext,
  host: string,
  since: string,
  signal: AbortSignal,
): Promise<{ stored: StoredDigest[]; cutAt: string | undefined }> {
  const listed: { key: string; hour: string; agent: string; size: number }[] = []
  let cutAt: string | undefined
  let looked = 0
  for await (const entry of bucket.list(hostPrefix('digests', host), { startAfter: fromHour(host, since), signal })) {
    const key = entry.kind === 'object' ? parseKey(entry.key) : undefined
    if (++looked === looksMax) cutAt = listed.at(-1)?.hour ?? since
    if (entry.kind === 'object' && key?.kind === 'digest') {
      if (listed.length === digestsMax) cutAt = key.hour
      else listed.push({ key: entry.key, hour: key.hour, agent: key.agent, size: entry.size })
    }
    if (cutAt !== undefined) break
  }
  const stored: StoredDigest[] = []
  // Of the hour in which it was cut, not all are there.
  const whole = listed.filter(({ hour }) => cutAt === undefined || hour < cutAt)
  const read = async ({ key, hour, agent, size }: (typeof listed)[number]): Promise<StoredDigest> => {
    const body = size <= digestBytesMax ? (await bucket.get(key, { signal }))?.body : undefined
    return { hour, agent, sha256: body ? sha256(body) : '', digest: body && digestOf(body) }
  }
  for await (const one of mapInOrder(whole, readsAtOnce, read)) stored.push(one)
  return { stored, cutAt }
}

function digestOf(body: Uint8Array): StoredDigest['digest'] {
  try {
    return decodeDigest(body)
  } catch (error) {
    if (isCode(error, 'corrupt')) return undefined
    throw error
  }
}
