import type { LogcaskError } from '../base/errors.ts'

/**
 * The types of the package for reading back; as delivery-contract.ts has them for delivering. Offsets, lengths and sizes are in
 * bytes, times in milliseconds; ranges are half-open. Paths and names are strings; a byte of one that is not UTF-8 is a
 * lone surrogate (0xDC00 + byte), as in Python's `surrogateescape`.
 */

/** How to reach a store. What is left out comes from the URL's query, then from AWS's environment and profiles. */
export interface Store {
  /** Of a store that is not AWS, `http(s)://host:port`. */
  endpoint?: string | undefined
  region?: string | undefined
  profile?: string | undefined
  /** PEM files: the authority to trust, our certificate, its key. */
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
}

export interface CatOptions extends Store {
  /** Of several streams of that name this one; default: the newest. */
  stream?: string | undefined
  /** Bytes from `start` (default 0) up to, not including, `end` (default: as far as it goes). */
  range?: { start?: number | undefined; end?: number | undefined } | undefined
  signal?: AbortSignal | undefined
}

/**
 * The bytes of a stream, segment by segment, put together from the bucket as they are asked for. Can be iterated once;
 * leaving early closes it. Rejects with `corrupt` after the last bytes where they are not what the seal says.
 */
export interface Content extends AsyncIterable<Uint8Array> {
  /** Which stream it is; undefined before the first step. */
  readonly source: ContentSource | undefined
  /** What is known of the bytes that were given; undefined before the end. Look at `losses`: what is missing is no error. */
  readonly outcome: ContentOutcome | undefined
}

export interface ContentSource {
  host: string
  stream: string
  /** Undefined where `stream` was given: nobody looked it up. */
  path: string | undefined
  /** There are, or may be, older streams of this name. */
  hasOlder: boolean
}

export interface ContentOutcome {
  /** Bytes [start, end) of the stream. */
  start: number
  end: number
  /** All of a sealed stream was read, and its SHA-256 is the seal's. Else undefined: there was nothing to compare. */
  isVerified: boolean | undefined
  losses: Loss[]
}

/** Bytes that were asked for and are not there. */
export type Loss =
  /** Those before this offset have expired, or never came. */
  | { kind: 'expired'; before: number }
  /** A seal counts more; they are late, lost or expired. */
  | { kind: 'short'; missing: number }
  /** There may be more, by a seal that cannot be read. */
  | { kind: 'unread-seal'; problem: string }
  /** An agent says that they are lost, or may be. */
  | { kind: 'gap'; offset: number; end: number | 'open'; reason: string }

export interface VerifyOptions extends Store {
  /** Default: all that are there. */
  host?: string | readonly string[] | undefined
  /** Lengths only, from names: nothing is read, and nothing compared with a seal's SHA-256. */
  quick?: boolean | undefined
  signal?: AbortSignal | undefined
}

/**
 * - `fine`    every byte that was promised is there, and is what its seals say (a live stream promises nothing yet);
 * - `gaps`    bytes are missing: expired, fewer than a seal says, or lost;
 * - `unread`  it could not be read: nobody knows;
 * - `differs` the content is not what a seal says, a record is no agent's, or a key was written twice.
 */
export type Verdict = 'fine' | 'gaps' | 'unread' | 'differs'

export interface Verification {
  /** The worst of all. */
  verdict: Verdict
  streams: StreamVerification[]
  /** Objects that are on no chain, or that no agent would write; they change nothing. */
  strays: number
  /** Keys of seals and other records that were written twice or deleted; the oldest version counts. */
  tampered: string[]
}

export interface StreamVerification {
  verdict: Verdict
  host: string
  stream: string
  /** Undefined where nothing that can be read names it. */
  path: string | undefined
  /** `outgrown`: it went on after its seal. `short`: it has fewer bytes than its seal says. */
  state: 'live' | 'sealed' | 'outgrown' | 'short'
  bytes: number
  segments: number
  /** Lengths at which there is a seal, and the content is another. */
  differsAt: number[]
  losses: Loss[]
  strays: number
  /** The most versions that one of its keys has, where that is more than one. */
  tampered: number | undefined
  problem: LogcaskError | undefined
}
