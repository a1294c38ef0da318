import type { AliasReason } from '../format/alias.ts'
import { birthOfIdentity, parseStreamId } from '../format/keys.ts'
import type { Origin } from '../format/origin.ts'
import type { OpenFile } from './files/files.ts'
import type { SealRef } from './identity/catalogue.ts'
import { type Footprint, nothingShipped } from './identity/evidence.ts'
import type { RunningHash } from './shipping/running-hash.ts'

/**
 * The agent's view of one file's life: from birth, or from the truncation that ended the life before it, to its last
 * byte; and where each destination is with it. Plain data; what is not in the checkpoint is marked "in memory".
 */
export interface Life {
  readonly identity: string
  /** No stream of this life has a lower generation. */
  readonly firstGeneration: number
  /** Made at first sight; the same in every destination. */
  readonly origin: Origin
  source: string
  /** Seals so far: each that the file outgrew makes the agent more patient. */
  seals: number
  /** Where the file was last seen. */
  path: string
  /** Size when last looked at, in bytes: a file that is now shorter was truncated (E1). */
  size: number
  /** Set once no more of this life can be read from a file. */
  ended?: LifeEnd | undefined
  /**
   * It was judged to hold another file's stream (a copy, a compressed rotation, an adopted file); `origin`: that one's, where
   * nothing of the stream was sent before; `packed`: what a compressed file itself showed then (E3).
   */
  copy?: { reason: AliasReason; size: number; origin?: Origin | undefined; packed?: Footprint | undefined } | undefined
  /** It begins after an end, or is a judged copy that grew: never a copy of anything. */
  isOwn: boolean
  /** It has no name any more, and the spool could not take what is not delivered: it is lost with this process. */
  isUnspooled?: boolean | undefined
  readonly deliveries: Map<string, Delivery>

  // In memory
  /** Where its file was first seen, be it in an earlier life. */
  firstPath: string
  file?: OpenFile | undefined
  /** What a compressed file decodes to, where it was judged to continue another stream. */
  decoded?: OpenFile | undefined
  /** The decoding that is under way (decoded.ts). */
  decoding?: Promise<OpenFile | undefined> | undefined
  /** Stamp at which the file could not be decoded. */
  undecodable?: string | undefined
  /** A name of it was found in this run: what only the checkpoint knows is not this one-shot's business. */
  isMet: boolean
  /** One-shot: the size that was fixed at the start. */
  limit?: number | undefined
  /** Running hash of the content, fed by whoever reads first. */
  running?: RunningHash | undefined
  /** The descriptor was held since `size` was looked at: E1 holds, a smaller size is a truncation. */
  isWatched: boolean
  /** No name is left; its bytes are there as long as somebody holds a descriptor. */
  isUnlinked: boolean
  /** Since when none of its names is found, on the monotonic clock. */
  missedSinceMs?: number | undefined
  /** No process can write to it any more (last-seals.ts). */
  hasNoWriter?: boolean
  /** A stop waits for its seal. */
  isSealAwaited?: boolean
  /** Its name is none that the sources match any more. */
  isAway: boolean
  /** Hold of a copy or a compressed file: since when its size stands. */
  hold?: { size: number; sinceMs: number } | undefined
  /** Of the file at this size, the NULs from here on may be no bytes yet, and are not sent; `isForNow`: before it has stood for a while. */
  withheld?: { size: number; from: number; isForNow: boolean } | undefined
  /** Last time that the size changed, on the monotonic clock. */
  grewAtMs: number
  /** When it was last asked whether it changed, on the monotonic clock. */
  askedAtMs: number
  /** When the oldest byte that is not yet delivered everywhere was seen, on the monotonic clock. */
  pendingSinceMs?: number | undefined
  stamp: string
  /** What it showed when last looked at, while no destination has anything of it (keep-seen.ts). */
  seen?: Footprint | undefined
  /** When it was first seen without a name, on the monotonic clock. */
  unlinkedAtMs?: number | undefined
  /** The spool has kept less of it than was seen: the size that it had (spool.ts). */
  cutFrom?: number | undefined
  /** Not to be closed or forgotten before this, on the monotonic clock: a file in hand may be its copy. */
  keptUntilMs?: number | undefined
}

export interface LifeEnd {
  reason: 'truncated' | 'gone' | 'unspooled'
  /** Milliseconds since 1970. */
  atMs: number
}

/** One life at one destination. */
export interface Delivery {
  readonly destination: string
  /** The stream that it is delivered to; undefined until it is known what the bucket has. */
  stream?: string | undefined
  /** What is on the chain there, as far as this agent knows. */
  acked: Footprint
  /** SHA-256 over the acked segments' own SHA-256, one after the other; undefined where segments of others were adopted. */
  rollup?: string | undefined
  /** How far this agent itself has read the file and found the chain's bytes in it. */
  confirmed: Footprint
  forkOf?: { stream: string; shared: number } | undefined
  /** The stream's end was recorded there, or needs no record. */
  hasGap: boolean
  /** The seal that is there for the acked length, or was for an earlier one. */
  sealed?: SealRef | undefined
  hasAlias: boolean

  // In memory
  /** What was read and handed to the store, acked or not. */
  sent: Footprint
  /** The chain was listed since the agent started (or since the daily listing fell due). */
  isChecked: boolean
  /** The next check looks at the whole chain, not only beyond what was acked. */
  isWholeCheck: boolean
  /** `sealed` is what the checkpoint says, and is to be looked for there. */
  isSealUnseen?: boolean
  /** Offsets beyond the acked one at which segments were seen: cuts meet them. */
  landed?: readonly number[] | undefined
  /** Nothing of ours is missing there: it has more than our fixed size (one-shot), or another file's stream has all of it. */
  isBeyond: boolean
  /** The chain there differs from the file: it is to be left for another stream. */
  mustFork?: string | undefined
  /** What stands in the way, for `status` and `why`. */
  waitingFor?: string | undefined
}

export function newLife(options: {
  identity: string
  firstGeneration: number
  origin: Origin
  source: string
  path: string
  destinations: readonly string[]
}): Life {
  return {
    identity: options.identity,
    firstGeneration: options.firstGeneration,
    origin: options.origin,
    source: options.source,
    path: options.path,
    firstPath: options.origin.path,
    size: 0,
    seals: 0,
    // Without birth times its inode may have been another file's.
    isOwn: options.firstGeneration > 0 && hasBirth(options),
    deliveries: new Map(options.destinations.map((name) => [name, newDelivery(name)])),
    isMet: false,
    isWatched: false,
    isUnlinked: false,
    isAway: false,
    grewAtMs: 0,
    askedAtMs: 0,
    stamp: '',
  }
}

export function newDelivery(destination: string): Delivery {
  return {
    destination,
    acked: nothingShipped,
    rollup: '',
    confirmed: nothingShipped,
    hasGap: false,
    hasAlias: false,
    sent: nothingShipped,
    isChecked: false,
    isWholeCheck: false,
    isBeyond: false,
  }
}

/** Leaves what was delivered and begins anew in `stream`, from its chain's end or from nothing. */
export function attach(
  delivery: Delivery,
  stream: string,
  acked: Footprint,
  options: { rollup?: string | undefined } = {},
): void {
  delivery.stream = stream
  delivery.acked = delivery.sent = acked
  delivery.rollup = acked.offset === 0 ? '' : options.rollup
  delivery.isChecked = true
  delivery.isBeyond = false
  delivery.mustFork = undefined
}

/** Without a birth time an identity is an inode, which may be another file's by now. */
export function hasBirth({ identity }: Pick<Life, 'identity'>): boolean {
  return birthOfIdentity(identity) !== undefined
}

/** The stream is the file's own, not one that it continues as a copy. */
export function isOwnStream(life: Life, stream: string): boolean {
  return parseStreamId(stream)?.identity === life.identity
}

/** Of the streams of its own that it is delivered to. */
export function ownGenerations(life: Life): number[] {
  return [...life.deliveries.values()].flatMap(({ stream }) =>
    stream !== undefined && isOwnStream(life, stream) ? [parseStreamId(stream)?.generation ?? 0] : [],
  )
}

/** The origin of the stream, which may be another file's. */
export function originAt(life: Life, { stream, forkOf }: Delivery): Origin {
  if (forkOf) return { ...life.origin, forkOf }
  const isOther = stream !== undefined && !isOwnStream(life, stream)
  return (isOther ? life.copy?.origin : undefined) ?? life.origin
}

/** The least acked offset over the destinations. */
export function highWatermark(life: Life): number {
  return Math.min(...[...life.deliveries.values()].map((delivery) => delivery.acked.offset))
}

/** The size of a file that may be a copy in the making has stood for `holdMs`. */
export function isHeld(life: Life, size: number, holdMs: number, nowMs: number): boolean {
  if (life.hold?.size !== size) life.hold = { size, sinceMs: nowMs }
  return nowMs - life.hold.sinceMs >= holdMs
}
