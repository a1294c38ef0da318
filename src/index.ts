import { BucketContent } from './library/content.ts'
import type {
  ShipOptions,
  ShipOutcome,
  StreamHandle,
  StreamOptions,
  StreamSource,
} from './library/delivery-contract.ts'
import type { CatOptions, Content, Verification, VerifyOptions } from './library/reading-contract.ts'

export { type ErrorCode, LogcaskError } from './base/errors.ts'
export type {
  DeliveryEvent,
  DeliveryOptions,
  DeliveryStatus,
  Destination,
  DestinationOutcome,
  DestinationStatus,
  EventPlace,
  FlushOutcome,
  Problem,
  Receipt,
  ShipOptions,
  ShipOutcome,
  ShippedFile,
  StreamHandle,
  StreamOptions,
  StreamSource,
  StreamStatus,
} from './library/delivery-contract.ts'
export type {
  CatOptions,
  Content,
  ContentOutcome,
  ContentSource,
  Loss,
  Store,
  StreamVerification,
  Verdict,
  Verification,
  VerifyOptions,
} from './library/reading-contract.ts'

/*
 * The package's interface: docs/library.md. Nothing is loaded, opened or started by importing it. Every function rejects
 * with a LogcaskError (its `code` says what to do, its `hint` how), or with the reason of the signal that it was given.
 */

/**
 * Delivers files once, each whole as it is at the start, to every destination, and ends. Sends what is not there yet,
 * and nothing twice. `paths` are files, directories (all below them), or patterns, relative to the working directory.
 *
 * Rejects only where nothing could be done (`invalid`: a path that is not there, a URL that cannot be read; `conflict`:
 * another process works in the state directory). What is late or failed the outcome says: look at its `status`.
 */
export async function ship(paths: string | readonly string[], options: ShipOptions): Promise<ShipOutcome> {
  const { shipFiles } = await import('./library/ship.ts')
  return shipFiles(paths, options)
}

/**
 * Follows files, and ships what is appended to every destination, across rotations and restarts, until the handle is
 * closed or the signal aborts. Takes paths (which may be still to come), directories, patterns, or sources with settings.
 * Resolves once the state directory is ours; a store that does not answer is waited for, and `status()` says so.
 *
 * Rejects with `invalid` for settings that cannot be, with `conflict` where another process works in the state directory.
 */
export async function stream(
  sources: string | readonly string[] | StreamSource | readonly StreamSource[],
  options: StreamOptions,
): Promise<StreamHandle> {
  const { streamFiles } = await import('./library/stream.ts')
  return streamFiles(sources, options)
}

/**
 * Reads a file back, put together from the segments of a bucket: `for await (const bytes of cat(url, host, name))`. `name`
 * is its path, or the end of it where that is clear; of several streams of that name it takes the newest. Each joint of
 * the chain is checked, and the whole against its seal.
 *
 * Nothing is asked before the first step. Iterating rejects with `invalid` (no such host or name), `unavailable` (the
 * store does not answer), `refused` (it says no), `corrupt` (after the last bytes: they are not what the seal says).
 */
export function cat(url: string, host: string, name: string | undefined, options: CatOptions = {}): Content {
  return new BucketContent(url, host, name, options)
}

/**
 * Reads every stream of a bucket, follows its chain byte by byte, and holds each seal against the content. Resolves also
 * where streams differ, lack bytes or cannot be read: look at `verdict`.
 *
 * Rejects with `invalid` where nothing is there, with `unavailable` or `refused` where the bucket cannot be listed.
 */
export async function verify(url: string, options: VerifyOptions = {}): Promise<Verification> {
  const { verifyBucket } = await import('./library/verify.ts')
  return verifyBucket(url, options)
}
