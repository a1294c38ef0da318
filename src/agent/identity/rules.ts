import type { Comparison } from './evidence.ts'

/**
 * Which file is this, and which stream do its bytes belong to: the rules of DESIGN.md section 4 as pure functions, after
 * model/protocol_model.py. The names in brackets are the model's: switch one off there to see the history that forced it.
 */

// Look: is this still the life that we know?

export interface LookFacts {
  /** Bytes now, and when last looked at. */
  size: number
  previousSize: number
  /** Our descriptor was held in between (E1). */
  isWatched: boolean
  /** A compressed file is rewritten whole by its maker; its size proves nothing. */
  isCompressed: boolean
  /** It is not what it showed when last looked at, and no destination has anything of it. */
  isSeenOtherwise?: boolean
  /** Per destination with a stream: what was sent, and what this agent itself had confirmed, against the file now. */
  deliveries: readonly { destination: string; sent: Comparison; confirmed: Comparison }[]
}

export type LookVerdict =
  | { kind: 'go-on' }
  | { kind: 'end'; why: 'shrank' | 'differs' }
  /** The difference is from bytes that only the bucket told us of: another stream there, this life goes on. */
  | { kind: 'fork'; destinations: readonly string[] }

export function judgeLook(facts: LookFacts): LookVerdict {
  if (facts.isWatched && facts.size < facts.previousSize && !facts.isCompressed) return { kind: 'end', why: 'shrank' }
  if (facts.isSeenOtherwise) return { kind: 'end', why: 'differs' }
  const different = facts.deliveries.filter((delivery) => delivery.sent === 'different')
  if (different.length === 0) return { kind: 'go-on' }
  // [confirm] Only a difference from bytes that this agent itself read of this file ends the life everywhere.
  const isAdopted = different.every((delivery) => delivery.confirmed === 'same' || delivery.confirmed === 'edited')
  return isAdopted
    ? { kind: 'fork', destinations: different.map((delivery) => delivery.destination) }
    : { kind: 'end', why: 'differs' }
}

// Attach: which of the streams under this identity is it?

export interface Generation {
  generation: number
  /** The chain's end in bytes; 0: nothing is there. */
  length: number
  /** The chain against the file. */
  comparison: Comparison
  /** [endmark] A gap says that it ended by truncation: never resumed, also without local state. */
  isEnded: boolean
  hasGap: boolean
  hasSeal: boolean
  /** Another machine's, which may be at rest: that this one's file is not it says nothing of it. */
  isForeign?: boolean
  /** What the bytes alone say, whoever wrote them. */
  bytes?: Comparison
}

/**
 * [bestgen] Of several generations that match: the longest chain, then the highest number; where the file is shorter than
 * all of them, the highest number. (Empty, it matches every one, and the latest life is what was cut.)
 */
export function resumable<T extends Generation>(generations: readonly T[], firstGeneration: number): T | undefined {
  return generations
    .filter(
      (one) => one.generation >= firstGeneration && one.length > 0 && one.comparison !== 'different' && !one.isEnded,
    )
    .reduce<T | undefined>((best, one) => {
      if (best === undefined) return one
      const isShort = one.comparison === 'short'
      if (isShort !== (best.comparison === 'short')) return isShort ? best : one
      if (!isShort && one.length !== best.length) return one.length > best.length ? one : best
      return one.generation > best.generation ? one : best
    }, undefined)
}

/** The smallest number above all that hold something or are known to have ended. */
export function nextGeneration(generations: readonly Generation[], atLeast: number): number {
  return Math.max(atLeast - 1, ...generations.filter(isTaken).map((one) => one.generation)) + 1
}

/** Nobody begins there any more. */
export function isTaken({ length, isEnded }: Generation): boolean {
  return length > 0 || isEnded
}

/** [lostgap] The generation that is left because the file differs from it, and that nothing says so of yet. */
export function leftBehind<T extends Generation>(generations: readonly T[]): T | undefined {
  return generations.filter((one) => one.length > 0 && !one.hasGap && !(one.hasSeal && one.isForeign)).at(-1)
}

/**
 * The generation that a new one begins again from 0, so that its origin can say what they share: one that was ended, and
 * that the file has come back to (a clone, a snapshot, a disk that was rolled back); else the one that is left, or one that is complete.
 */
export function forkedFrom<T extends Generation>(generations: readonly T[]): T | undefined {
  const held = generations.filter((one) => one.length > 0)
  const equal = held.filter((one) => (one.bytes ?? one.comparison) !== 'different').sort((a, b) => a.length - b.length)
  return equal.at(-1) ?? leftBehind(held) ?? held.filter((one) => !one.isEnded).at(-1)
}

/** The generation in which a life goes on whose last one was truncated: above every one that it used. */
export function generationAfterEnd(used: readonly number[], firstGeneration: number): number {
  return Math.max(firstGeneration, ...used) + 1
}

// Names of copies

/**
 * [srcname] Whether `path` is what a rotation calls a copy of `source`: the same with something added, or with something
 * put in before the extension, in the same directory or in `olddir`.
 */
export function isNamedAsCopy(path: string, source: string, olddir?: string): boolean {
  const { directory, base } = split(path)
  const { directory: sourceDirectory, base: sourceBase } = split(source)
  if (directory !== sourceDirectory && directory !== olddir) return false
  if (base.length > sourceBase.length && base.startsWith(sourceBase)) return true
  const dot = sourceBase.lastIndexOf('.')
  if (dot <= 0) return false
  const [stem, extension] = [sourceBase.slice(0, dot), sourceBase.slice(dot)]
  return base.length > sourceBase.length && base.startsWith(stem) && base.endsWith(extension)
}

/**
 * Whether `path` is what rotations call the former file of `source`: as a copy's name, where what was added begins with a
 * mark. `app.log.1` and `app-20261120.log` are rotations of `app.log`; `app2.log` is another log.
 */
export function isNamedAsRotation(path: string, source: string, olddir?: string): boolean {
  if (!isNamedAsCopy(path, source, olddir)) return false
  const [base, sourceBase] = [split(path).base, split(source).base]
  const dot = sourceBase.lastIndexOf('.')
  const stem = base.startsWith(sourceBase) || dot <= 0 ? sourceBase : sourceBase.slice(0, dot)
  return /^[^A-Za-z0-9]/.test(base.slice(stem.length))
}

/** `a.log.gz` of `a.log`: the name of the file that a compressor made it from. */
export function originalName(path: string): string | undefined {
  const match = /^(.*[^/])\.(?:gz|zst)$/.exec(path)
  return match?.[1]
}

function split(path: string): { directory: string; base: string } {
  const slash = path.lastIndexOf('/')
  return { directory: path.slice(0, Math.max(slash, 1)), base: path.slice(slash + 1) }
}

// Copies that copytruncate leaves

/** A stream that the new file agrees with, over the shorter of the two. */
export interface CopySource {
  stream: string
  /** Bytes that were read of it. */
  length: number
  /** Bytes that its file has now, read or not; undefined where the file is not here. */
  fileSize?: number | undefined
  /** It ended by truncation (by a gap, or in our memory). */
  isTruncated: boolean
  /** [shortsrc] Its file is there, is a prefix, and is shorter than what was acked: truncated unseen. */
  isShorter: boolean
  /** [lastlook] Its file changed since it was last looked at, in a way that a truncation does. */
  isUnsettled: boolean
}

export type CopyVerdict =
  | { kind: 'wait'; why: string }
  /** It holds that stream's bytes; `endsSource`: the source was truncated unseen, and its life ends first. */
  | { kind: 'copy'; stream: string; endsSource: boolean }
  | { kind: 'own' }

export interface CopyFacts {
  size: number
  /** The size has stood for the hold time (one-shot: at once). */
  isSettled: boolean
  isOneShot: boolean
  sources: readonly CopySource[]
}

/** Is this new file the copy that copytruncate left? Only sources whose name, birth and bytes fit are given. */
export function judgeCopy(facts: CopyFacts): CopyVerdict {
  if (facts.size === 0) return facts.isOneShot ? { kind: 'own' } : { kind: 'wait', why: 'empty' }
  if (facts.sources.length === 0) return { kind: 'own' }
  const byLength = [...facts.sources].sort((a, b) => b.length - a.length)
  for (const source of byLength) {
    if (!(source.isTruncated || source.isShorter) || !facts.isSettled) continue
    return { kind: 'copy', stream: source.stream, endsSource: !source.isTruncated }
  }
  // Longer than a source that has not shrunk: no copy in the making.
  if (byLength.every((source) => isOutgrown(source, facts.size))) return { kind: 'own' }
  if (!facts.isSettled) return { kind: 'wait', why: 'may be a copy that is still being made' }
  if (byLength.some((source) => source.isUnsettled)) return { kind: 'wait', why: 'its source is being looked at' }
  return { kind: 'own' }
}

function isOutgrown(source: CopySource, size: number): boolean {
  if (source.isTruncated || source.isShorter || source.isUnsettled || source.fileSize === undefined) return false
  return size > Math.max(source.length, source.fileSize)
}

// Compressed rotations

export interface CompressedSource {
  stream: string
  /** Bytes of the stream that agree with the decoded file: all of them. */
  length: number
  /** Its file is gone, or it ended by truncation. */
  isMissing: boolean
  isSealed: boolean
  /** The file's last name plus the ending is this name. */
  isNamed: boolean
  /** A seal of the stream has the decoded length and SHA-256. */
  isDelivered: boolean
}

export interface CompressedFacts {
  /** Decodes to its end; undefined while it is still growing. */
  isComplete: boolean
  decodedSize: number
  hasOriginal: boolean
  /** Unchanged for 60 s (one-shot: at once). */
  isSettled: boolean
  sources: readonly CompressedSource[]
}

/** [minover] Less agreement is chance: a name helps, more bytes help more. */
export const agreementBytes = 64 * 1024
const namedAgreementBytes = 4096

/** Does this .gz or .zst hold the rest of a stream that we know? */
export function judgeCompressed(facts: CompressedFacts): CopyVerdict {
  if (facts.hasOriginal || !facts.isComplete)
    return facts.isSettled ? { kind: 'own' } : { kind: 'wait', why: 'compression is not done' }
  const byLength = [...facts.sources].sort((a, b) => b.length - a.length)
  const delivered = byLength.find((source) => source.isDelivered)
  if (delivered) return { kind: 'copy', stream: delivered.stream, endsSource: false }
  const continued = byLength.find((source) => {
    if (!source.isMissing || source.isSealed) return false
    return (
      source.length >= agreementBytes ||
      (source.isNamed && source.length >= namedAgreementBytes) ||
      source.length === facts.decodedSize
    )
  })
  return continued ? { kind: 'copy', stream: continued.stream, endsSource: false } : { kind: 'own' }
}
