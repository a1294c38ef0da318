/** Where a part of a large body may begin and end: whoever gives one has hashed it in steps of this. */
export const largeStepBytes = 1024 * 1024

/** S3's bounds: the least of a part but the last (5 MiB; more makes fewer requests), and how many there may be. */
const partBytesMin = 8 * largeStepBytes
const partsMax = 10_000

/** How much of a body of `size` bytes goes in each part. */
export function partBytesOf(size: number): number {
  return Math.max(partBytesMin, Math.ceil(size / partsMax / largeStepBytes) * largeStepBytes)
}

/** A body that does not fit in memory, and can be read more than once. */
export interface LargeBody {
  size: number
  /** Hex, of the whole. */
  sha256: string
  /**
   * Exactly the bytes of the half-open range, both ends on a step (or the end of the body). Rejects with `conflict` where
   * they are not any more those that `sha256` is of: then nothing may be created of it.
   * `into` is memory of just as many bytes that may be used for them.
   */
  read(start: number, end: number, into?: Uint8Array): Promise<Uint8Array>
}

/** The whole body in stretches of `stretchBytes`, a multiple of a step. */
export async function* stretchesOf(
  body: LargeBody,
  stretchBytes: number,
  signal?: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < body.size; start += stretchBytes) {
    signal?.throwIfAborted()
    yield await body.read(start, Math.min(body.size, start + stretchBytes))
  }
}
