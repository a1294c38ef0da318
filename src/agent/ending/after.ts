/** What becomes of a local file that every destination has whole: pure; the act is in local-removal.ts. */
export type After = { kind: 'keep' } | { kind: 'delete' } | { kind: 'move'; directory: string }

/** What is known right before the act. Everything is asked anew for it: what a look knew a second ago is not enough. */
export interface RemovalFacts {
  /** Still under the name that its writer knows, or (whole files) not complete. */
  isLive: boolean
  /** Every destination of the source has just shown all of it, and the statement that it is complete. */
  isEverywhere: boolean
  /** A record says that bytes beyond what was delivered may be lost. */
  hasOpenGap: boolean
  /** The name stands for the file that was delivered. */
  isSameFile: boolean
  /** Bytes that were delivered, and that the file has now. */
  delivered: number
  size: number
  /** All bytes of the file, read again just now, are those that were delivered. */
  isSameContent: boolean
  /** Names that the inode has. */
  names: number
  /** Whether a process has it open for writing; `unknown` where /proc cannot be read. */
  writer: 'none' | 'some' | 'unknown'
}

/** Why the file stays, for people; undefined: it may go. */
export function whyKept(facts: RemovalFacts): string | undefined {
  if (facts.isLive) return 'it is live'
  if (!facts.isSameFile) return 'its name stands for another file'
  if (facts.size > facts.delivered) return 'it has grown'
  if (facts.size < facts.delivered) return 'it is shorter than what was delivered'
  if (!facts.isSameContent) return 'its bytes are not those that were delivered: it was edited'
  if (facts.names > 1) return `it has ${facts.names} names (hard links)`
  if (facts.writer === 'some') return 'a process has it open for writing'
  if (facts.hasOpenGap) return 'a gap of it is open'
  if (!facts.isEverywhere) return 'not every destination shows all of it'
  return undefined
}

/** The `attempt`th name (from 0) to try in the directory that files are moved to: a name that is taken gets a number. */
export function movedName(base: string, attempt: number): string {
  const plain = isTakenName(base) ? base.slice(base.indexOf('~') + 1) : base
  return attempt === 0 ? plain : `${plain}.${attempt}`
}

/** The name under which a file is held for the instant in which it is looked at for the last time. */
export function takenName(base: string, identity: string): string {
  if (isTakenName(base)) return base
  const name = `${takenPrefix}${identity}~${base}`
  // NAME_MAX on every file system that logs are kept on; the base only matters after a crash in that instant.
  return Buffer.byteLength(name) <= 255 ? name : `${takenPrefix}${identity}~log`
}

/** A killed agent left it: no writer knows it by this name. */
export function isTakenName(base: string): boolean {
  return base.startsWith(takenPrefix)
}

const takenPrefix = '.logcask-taken-'
