import { readRange } from '../../agent/files/files.ts'
import { type Content, sampleAt } from '../../agent/identity/content.ts'
import { type Comparison, compare, compareShort } from '../../agent/identity/evidence.ts'
import { nextGeneration, resumable } from '../../agent/identity/rules.ts'
import { findDelivered, readDelivered } from '../../agent/shipping/delivered.ts'
import type { Clock } from '../../base/clock.ts'
import { isCode, messageOf } from '../../base/errors.ts'
import { type Bucket, listNames, listObjects } from '../../bucket/bucket.ts'
import { readGap, sealsOf } from '../../bucket/stream-header.ts'
import { listGaps } from '../../bucket/stream-inventory.ts'
import type { StoreSettings } from '../../config/store-settings.ts'
import { hostPrefix, parseKey, parseStreamId, type StreamRoom, streamId, streamPrefix } from '../../format/keys.ts'
import { windowBytes } from '../../format/limits.ts'
import { openBucket } from '../compose/open-bucket.ts'
import type { WhyAnswer, WhyGeneration } from './why-facts.ts'

export interface AskedDestination extends StoreSettings {
  name: string
  url: string
}

/** A person waits for the answer. */
const requestTimeoutMs = 10_000

/** What a destination has under an identity, held against the file. Only reads; what fails is the answer's `problem`. */
export async function askDestination(
  destination: AskedDestination,
  host: string,
  identity: string,
  content: Content | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<WhyAnswer> {
  const { name, url, ...settings } = destination
  const unknown = { destination: name, generations: [], aliases: [], resumes: undefined, next: streamId(identity, 0) }
  let bucket: Bucket | undefined
  try {
    bucket = await openBucket(url, { ...settings, requestTimeoutMs }, 'read', clock)
    const streams = await streamsOf(bucket, host, identity, signal)
    const generations: WhyGeneration[] = []
    for (const stream of streams) generations.push(await lookAt(bucket, host, stream, content, signal))
    const known = generations.map((one) => ({
      ...one,
      generation: parseStreamId(one.stream)?.generation ?? 0,
      hasGap: one.gaps.length > 0,
      hasSeal: one.sealed !== undefined,
    }))
    return {
      destination: name,
      problem: undefined,
      generations,
      aliases: await aliasesOf(bucket, host, identity, signal),
      resumes: content && resumable(known, 0)?.stream,
      next: streamId(identity, nextGeneration(known, 0)),
    }
  } catch (error) {
    signal.throwIfAborted()
    if (isCode(error, 'internal', 'invalid')) throw error
    const hint = isCode(error, 'unavailable', 'refused') && error.hint ? ` · fix: ${error.hint}` : ''
    return { ...unknown, problem: `${messageOf(error)}${hint}` }
  } finally {
    await bucket?.close()
  }
}

/** By generation, ascending. */
async function streamsOf(bucket: Bucket, host: string, identity: string, signal: AbortSignal): Promise<string[]> {
  const rooms: StreamRoom[] = ['segments', 'seals', 'gaps']
  const names = new Set<string>()
  for (const room of rooms) {
    const prefix = `${hostPrefix(room, host)}${identity}`
    for (const rest of await listNames(bucket, prefix, { signal })) names.add(identity + rest)
  }
  const generation = (stream: string): number => parseStreamId(stream)?.generation ?? 0
  return [...names]
    .filter((stream) => parseStreamId(stream)?.identity === identity)
    .sort((a, b) => generation(a) - generation(b))
}

async function lookAt(
  bucket: Bucket,
  host: string,
  stream: string,
  content: Content | undefined,
  signal: AbortSignal,
): Promise<WhyGeneration> {
  const delivered = await findDelivered(bucket, host, stream, signal)
  const length = delivered.footprint.offset
  const seals = await sealsOf(bucket, host, stream, signal)
  const listed = await listGaps(bucket, host, { prefix: streamPrefix('gaps', host, stream), signal })
  const gaps: { offset: number; end: number | 'open'; reason: string }[] = []
  for (const gap of listed.get(stream) ?? []) {
    const reason = await readGap(bucket, gap, signal).then(
      (record) => record.reason,
      (error) => {
        if (isCode(error, 'corrupt')) return 'unreadable'
        throw error
      },
    )
    gaps.push({ offset: gap.offset, end: gap.end, reason })
  }
  const seal = seals.find((one) => one.length === length) ?? seals.at(-1)
  const final = seal ? undefined : await finalOf(bucket, delivered.chain[0], signal)
  return {
    stream,
    length,
    comparison: content ? await compareWith(bucket, content, delivered, signal) : 'different',
    isEnded: gaps.some(({ reason }) => reason === 'truncated'),
    sealed: seal ? { length: seal.length, sha256: seal.sha256 } : final,
    gaps,
  }
}

/** The segment at offset 0 may be the seal as well. */
async function finalOf(
  bucket: Bucket,
  first: { key: string; length: number; version?: string | undefined } | undefined,
  signal: AbortSignal,
): Promise<WhyGeneration['sealed']> {
  if (first === undefined) return undefined
  const sha256 = (await bucket.head(first.key, { version: first.version, signal }))?.metadata.final
  return sha256 === undefined ? undefined : { length: first.length, sha256 }
}

async function compareWith(
  bucket: Bucket,
  content: Content,
  delivered: Awaited<ReturnType<typeof findDelivered>>,
  signal: AbortSignal,
): Promise<Comparison> {
  const sample = await sampleAt(content, delivered.footprint)
  const comparison = compare(delivered.footprint, sample)
  if (comparison !== 'short') return comparison
  const { size } = content
  const from = Math.max(0, size - windowBytes)
  return compareShort(
    { size, head: sample.head, window: await readRange(content.file, from, size) },
    {
      head: await readDelivered(bucket, delivered.chain, 0, Math.min(windowBytes, size), signal),
      window: await readDelivered(bucket, delivered.chain, from, size, signal),
    },
  )
}

async function aliasesOf(bucket: Bucket, host: string, identity: string, signal: AbortSignal): Promise<string[]> {
  const entries = await listObjects(bucket, `${hostPrefix('aliases', host)}${identity}/`, { signal })
  return entries.flatMap(({ key }) => {
    const parsed = parseKey(key)
    return parsed?.kind === 'alias' ? [parsed.stream] : []
  })
}
