import type { OpenGap } from '../bucket/stream-gaps.ts'
import type { SetAside } from './directory-sink.ts'

/** What an operator wants to hear of, each said once. */
export type CompactorEvent =
  | ({ kind: 'published' | 'sealed' } & PublishedFacts)
  /** One object in the archive; `name` is its key there. */
  | ({ kind: 'archived'; isSealed: boolean } & PublishedFacts)
  /** The seal's SHA-256 is not that of the content. Nothing is withheld. */
  | ({ kind: 'mismatch'; sealed: string } & PublishedFacts)
  /** A seal promises `missing` bytes more than the chain has. */
  | ({ kind: 'short'; missing: number } & PublishedFacts)
  | ({ kind: 'gap'; host: string; stream: string } & OpenGap)
  | ({ kind: 'set-aside' } & SetAside)
  /** A key has more than one version, or a delete marker. What counts is the oldest. */
  | { kind: 'tampered'; host: string; stream: string; key: string; versions: number }
  /** The queue gives nothing, or does so again; or it has messages that nobody understands. */
  | QueueNews
  /** Everything was listed, with so many requests; and will be again. */
  | { kind: 'listed'; hosts: number; requests: number; tookMs: number; everyMs: number }
  /** Something of this stream, host or bucket could not be done; the others go on. */
  | { kind: 'problem'; host?: string; stream?: string; error: unknown }

export type QueueNews = { kind: 'queue'; url: string } & (
  | { state: 'lost'; error: unknown }
  | { state: 'back' }
  /** Left to the queue, which keeps elsewhere what is received too often; or removed. */
  | { state: 'kept' | 'dropped'; why: string }
)

export interface PublishedFacts {
  host: string
  stream: string
  /** Relative to the sink. */
  name: string
  length: number
  /** Of the content, where it was hashed. */
  sha256?: string | undefined
}

export type OnEvent = (event: CompactorEvent) => void

/** How much is remembered so as to say things once; beyond it the oldest may be said again. */
const saidMax = 10_000

export interface Once {
  /** True the first time for `key`, and again when `text` is another. */
  isNew(key: string, text?: string): boolean
  forget(key: string): void
}

export function createOnce(): Once {
  const said = new Map<string, string>()
  return {
    isNew(key, text = '') {
      if (said.get(key) === text) return false
      said.delete(key)
      said.set(key, text)
      const [oldest] = said.keys()
      if (said.size > saidMax && oldest !== undefined) said.delete(oldest)
      return true
    },
    forget: (key) => void said.delete(key),
  }
}
