import type { Store } from './reading-contract.ts'

/**
 * The types of the package, and nothing else: what is here is what may be relied on. Offsets, lengths and sizes are in
 * bytes, times in milliseconds; ranges are half-open. Paths and names are strings; a byte of one that is not UTF-8 is a
 * lone surrogate (0xDC00 + byte), as in Python's `surrogateescape`.
 */

/** Where to deliver: `file:///dir` or `s3://bucket/prefix`, or with what it takes to get there. */
export type Destination =
  | string
  | (Store & {
      url: string
      /** In outcomes, statuses and events; default: the URL's place. */
      name?: string | undefined
      /** Bytes per second at most. */
      rate?: number | undefined
    })

/** What `ship` and `stream` both take. */
export interface DeliveryOptions {
  to: Destination | readonly Destination[]
  /** The name that files are stored under; default: this machine's, fixed in the state directory at first use. */
  host?: string | undefined
  /**
   * A directory of this process alone: what was delivered so far, a cache. Default: the user's, as the command line has
   * it. Rejects with `conflict` while another one works there.
   */
  state?: string | undefined
  /** Patterns that leave files out; without a slash they are matched against the file's name. */
  exclude?: readonly string[] | undefined
  /** Bytes per second at most, for each destination that says nothing else. */
  rate?: number | undefined
  /** Kept with each stream, for readers and file names: at most some hundred bytes together. */
  labels?: Readonly<Record<string, string>> | undefined
  signal?: AbortSignal | undefined
  /** Called as things happen; what it throws ends the run, which rejects with it. */
  onEvent?: ((event: DeliveryEvent) => void) | undefined
}

export interface ShipOptions extends DeliveryOptions {
  /** Gives up then; what is not everywhere by then is `late`. Default: never. */
  timeoutMs?: number | undefined
}

/**
 * - `delivered` everything is in every destination, and sealed;
 * - `lossy`     so it is, but with gaps that are not closed, or forks;
 * - `late`      not all in time: ship the same again, it goes on where it stopped;
 * - `failed`    somebody has to act: a destination refuses, a file cannot be read.
 */
export type DeliveryStatus = 'delivered' | 'lossy' | 'late' | 'failed'

export interface ShipOutcome {
  /** The worst of all. */
  status: DeliveryStatus
  host: string
  /** In the order in which they were found. */
  files: ShippedFile[]
  destinations: DestinationOutcome[]
  /** What stood in the way of a file or directory. */
  problems: Problem[]
}

export interface ShippedFile {
  path: string
  /** Bytes, as it was at the start. */
  length: number
  status: DeliveryStatus
  /** One for each stream and content that is sealed: more than one only where destinations had different histories. */
  receipts: Receipt[]
  /** Destinations that lack something of it. */
  missing: string[]
}

/** A file's content as destinations have it, whole and sealed. */
export interface Receipt {
  stream: string
  length: number
  /** Of the content, in hex. */
  sha256: string
  destinations: string[]
}

export interface DestinationOutcome {
  name: string
  url: string
  status: 'delivered' | 'late' | 'failed'
  /** What it lacks. */
  missing: { files: number; bytes: number }
  problem?: string | undefined
  hint?: string | undefined
}

/** Something that a person may have to mend; `place` is a path, a destination's name, or a part of the work. */
export interface Problem {
  place: string
  message: string
  hint?: string | undefined
}

/** A source of `stream`: patterns (fast-glob's), with what is to be done with the files that match. */
export interface StreamSource {
  include: readonly string[]
  exclude?: readonly string[] | undefined
  /** Default: a link that a pattern finds is not followed. */
  followSymlinks?: boolean | undefined
  /** Where rotations put copies, relative to the file's own directory. */
  olddir?: string | undefined
  /** How long a rotated or deleted file must be idle to be complete, and sealed. Default: 60,000. */
  sealAfterMs?: number | undefined
  labels?: Readonly<Record<string, string>> | undefined
}

export interface StreamOptions extends DeliveryOptions {
  /** Between two complete looks at all names; changes are mostly seen at once. Default: 60,000. */
  scanIntervalMs?: number | undefined
}

/** Files that are followed, and shipped as they grow, until this is closed or the signal aborts. */
export interface StreamHandle extends AsyncDisposable {
  readonly host: string
  /** Resolves when it has stopped as asked; rejects with what it could not go on after. */
  readonly done: Promise<void>
  /**
   * A delivery barrier: resolves when all that was in the files at the call is in every destination, or is known to be
   * lost. Rejects with `unavailable` at `timeoutMs` (default: never), with the signal's reason, or with what `done` does.
   */
  flush(options?: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined }): Promise<FlushOutcome>
  status(): StreamStatus
  /**
   * Delivers what is there, for at most `timeoutMs` (default: 20,000), and stops. What is late then is delivered when
   * the same files are streamed or shipped again. Idempotent. `await using` does it, too.
   */
  close(options?: { timeoutMs?: number | undefined }): Promise<void>
}

export interface FlushOutcome {
  /** `lossy`: bytes that were there at the call were cut or deleted before they could be read. */
  status: 'delivered' | 'lossy'
  /** Files that were waited for. */
  files: number
  /** Paths of the files that lost bytes. */
  lossy: string[]
}

export interface StreamStatus {
  host: string
  /** Files that are followed, and what they hold. */
  files: number
  bytes: number
  /** Since the start. */
  forks: number
  gaps: number
  destinations: DestinationStatus[]
  problems: Problem[]
}

export interface DestinationStatus {
  name: string
  url: string
  /** `down`: it refuses until somebody acts; `unavailable`: it is asked again and again. */
  state: 'probing' | 'ok' | 'unavailable' | 'down'
  problem?: string | undefined
  hint?: string | undefined
  /** Bytes that are here and not acked there, of so many files, and the age of the oldest. */
  behindBytes: number
  filesBehind: number
  oldestMs: number
  gaps: number
}

/** What happens on the way. `path` is the file's own; `destination` a name. */
export type DeliveryEvent =
  | { kind: 'rotated'; path: string; from: string }
  | { kind: 'ended'; path: string; why: string }
  | ({ kind: 'began'; how: 'new' | 'resumed' | 'copy' | 'compressed' | 'adopted'; offset: number } & EventPlace)
  /** `wasSent`: false where its bytes were there already. */
  | ({ kind: 'acked'; bytes: number; offset: number; wasSent: boolean } & EventPlace)
  | ({ kind: 'sealed'; length: number; sha256: string } & EventPlace)
  | ({ kind: 'gap'; offset: number; reason: string } & EventPlace)
  | ({ kind: 'forked'; from: string; why: string } & EventPlace)
  | ({ kind: 'edited' } & EventPlace)
  | ({ kind: 'problem' } & Problem)

export interface EventPlace {
  path: string
  destination: string
  stream: string
}
