import { isCode } from '../base/errors.ts'
import type { Bucket, ListEntry } from './bucket.ts'
import { partBytesOf } from './large-body.ts'

export const meteredOperations = ['put', 'get', 'head', 'list'] as const
export type MeteredOperation = (typeof meteredOperations)[number]

/** What came back: `exists` of a PUT that found the key taken, `absent` of a read that found no key. */
export const outcomes = ['ok', 'exists', 'absent', 'unavailable', 'refused', 'failed'] as const
export type Outcome = (typeof outcomes)[number]

/** Requests so far, as plain data. A listing counts as one request per page of 1,000 entries, as S3 bills it. */
export interface Usage {
  requests: Record<MeteredOperation, Record<Outcome, number>>
  /** Bytes of bodies sent, whatever came back. */
  bytesUp: number
  /** Bytes of bodies received. */
  bytesDown: number
}

export interface Meter {
  /** A copy: it does not count on. */
  snapshot(): Usage
}

const pageEntries = 1_000

/** A decorator that counts and changes nothing. What a bucket asks again by itself is not seen. */
export function meteredBucket(bucket: Bucket): { bucket: Bucket; meter: Meter } {
  const usage = noUsage()

  const counted = async <T>(op: MeteredOperation, work: Promise<T>, outcomeOf: (answer: T) => Outcome): Promise<T> => {
    try {
      const answer = await work
      usage.requests[op][outcomeOf(answer)]++
      return answer
    } catch (error) {
      usage.requests[op][failureOf(error)]++
      throw error
    }
  }

  async function* countedList(entries: AsyncIterable<ListEntry>): AsyncGenerator<ListEntry> {
    let seen = 0
    let outcome: Outcome = 'ok'
    try {
      for await (const entry of entries) {
        if (seen > 0 && seen % pageEntries === 0) usage.requests.list.ok++
        seen++
        yield entry
      }
    } catch (error) {
      outcome = failureOf(error)
      throw error
    } finally {
      // The page that was being read: also where the caller has seen enough of it.
      usage.requests.list[outcome]++
    }
  }

  return {
    meter: { snapshot: () => structuredClone(usage) },
    bucket: {
      url: bucket.url,
      capabilities: bucket.capabilities,
      put: (key, body, options) => {
        usage.bytesUp += body.byteLength
        return counted('put', bucket.put(key, body, options), (answer) => (answer === 'created' ? 'ok' : 'exists'))
      },
      // Each part is a request, and beginning and ending an upload are two more; their outcomes are seen as one.
      putLarge: (key, body, options) => {
        const partBytes = partBytesOf(body.size)
        const read: typeof body.read = (start, end, into) => {
          usage.bytesUp += end - start
          if (options.way === 'parts' && start % partBytes === 0) usage.requests.put.ok += start === 0 ? 2 : 1
          return body.read(start, end, into)
        }
        const answered = bucket.putLarge(key, { ...body, read }, options)
        return counted('put', answered, (answer) => (answer === 'created' ? 'ok' : 'exists'))
      },
      get: async (key, options) => {
        const got = await counted('get', bucket.get(key, options), foundOrAbsent)
        usage.bytesDown += got?.body.byteLength ?? 0
        return got
      },
      head: (key, options) => counted('head', bucket.head(key, options), foundOrAbsent),
      list: (prefix, options) => countedList(bucket.list(prefix, options)),
      close: () => bucket.close(),
    },
  }
}

function foundOrAbsent(answer: unknown): Outcome {
  return answer === undefined ? 'absent' : 'ok'
}

function failureOf(error: unknown): Outcome {
  return isCode(error, 'unavailable') ? 'unavailable' : isCode(error, 'refused') ? 'refused' : 'failed'
}

export function noUsage(): Usage {
  const none = (): Record<Outcome, number> => ({ ok: 0, exists: 0, absent: 0, unavailable: 0, refused: 0, failed: 0 })
  return { requests: { put: none(), get: none(), head: none(), list: none() }, bytesUp: 0, bytesDown: 0 }
}

/** What several buckets, or several runs, used together. */
export function addUsage(usages: Iterable<Usage>): Usage {
  const sum = noUsage()
  for (const usage of usages) {
    sum.bytesUp += usage.bytesUp
    sum.bytesDown += usage.bytesDown
    for (const op of meteredOperations)
      for (const outcome of outcomes) sum.requests[op][outcome] += usage.requests[op][outcome]
  }
  return sum
}

export function requestCount(usage: Usage, ...ops: MeteredOperation[]): number {
  const counted = ops.length > 0 ? ops : meteredOperations
  return counted.flatMap((op) => Object.values(usage.requests[op])).reduce((sum, count) => sum + count, 0)
}

/** S3 Standard in us-east-1 (aws.amazon.com/s3/pricing, November 2026). Refused requests are billed like others. */
const dollarsPerWrite = 5 / 1_000_000
const dollarsPerRead = 0.4 / 1_000_000

/** What S3 Standard asks for so many requests, in dollars; without storage and transfer. */
export function requestDollars(usage: Usage): number {
  return requestCount(usage, 'put', 'list') * dollarsPerWrite + requestCount(usage, 'get', 'head') * dollarsPerRead
}
