import type { Clock } from '../base/clock.ts'
import type { Bucket } from '../bucket/bucket.ts'
import type { ContentSource } from './content.ts'
import type { ServerLoad } from './load.ts'
import type { Problem } from './problem.ts'
import { problemContentType } from './problem.ts'
import type { Answer } from './route.ts'
import { jsonText } from './route.ts'

/** What the routes of the API work with. */
export interface ApiContext {
  /** For reading, its listings bounded. */
  bucket: Bucket
  contents: ContentSource
  clock: Clock
  /** Whether a seal says that this length is all. */
  isSealedAt: (host: string, stream: string, length: number, signal: AbortSignal) => Promise<boolean>
  /** Whether anything is known of the stream. */
  isThere: (host: string, stream: string, signal: AbortSignal) => Promise<boolean>
  /** Bytes that are in the published directory. */
  publishedLength: (host: string, stream: string) => Promise<number | undefined>
  /** How long what was listed counts as new: the compactor's interval. */
  maxAgeMs: number
  load: ServerLoad
  /** Hosts that are served at all. */
  acceptsHost: (host: string) => boolean
}

/** Requests to the bucket at once, for one request of a client. */
export const readsAtOnce = 8

export function json(value: unknown): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: jsonText(value) }
}

export function problemAnswer(problem: Problem, headers: Readonly<Record<string, string>> = {}): Answer {
  const retry = problem.status === 503 ? { 'retry-after': '5' } : {}
  return {
    status: problem.status,
    headers: { 'content-type': problemContentType, ...retry, ...headers },
    body: jsonText(problem),
  }
}
