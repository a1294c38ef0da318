/** What clients may take at once; what is beyond is answered 503. The numbers bound memory whoever asks, and however slowly he reads. */
export const loadMax = {
  /** Sockets: some 20 kB each. */
  connections: 4_000,
  /** Requests whose answer is being looked up, or waits for that. */
  lookups: 2_000,
  /** Answers that send content, each with a piece in memory. */
  contents: 1_500,
  follows: 500,
  /** Each reads a stream from its first byte to its last. */
  verifies: 2,
} as const

/** Of these, how many look into the bucket at once: each holds some listings. */
export const lookupsAtOnce = 32

export type LoadKind = 'lookups' | 'contents' | 'follows' | 'verifies'

/** All pieces of content in memory together. */
const piecesBytes = 64 * 1024 * 1024
const pieceBytesMin = 16 * 1024
const pieceBytesMax = 1024 * 1024

/** Who is being served now. */
export class ServerLoad {
  readonly now: Record<LoadKind, number> = { lookups: 0, contents: 0, follows: 0, verifies: 0 }

  /** Undefined where there is no room; else what gives the place back, once. */
  take(kind: LoadKind): (() => void) | undefined {
    if (this.now[kind] >= loadMax[kind]) return undefined
    this.now[kind]++
    let isHeld = true
    return () => {
      if (isHeld) this.now[kind]--
      isHeld = false
    }
  }

  /** The more are being served, the smaller the pieces: together they stay within a bound. */
  pieceBytes(): number {
    const share = Math.floor(piecesBytes / Math.max(1, this.now.contents + this.now.follows))
    return Math.max(pieceBytesMin, Math.min(pieceBytesMax, share))
  }
}
