/** Where a part of a large body may begin and end: whoever gives one has hashed it in steps of this. */
export const largeStepBytes = 1024 * 1024

/** A body that does not fit in memory, and can be read more than once. */
export interface LargeBody {
  size: number
  /** Hex, of the whole. */
  sha256: string
  /**
   * Exactly the bytes of the half-open range, both ends on a step (or the end of the body). Rejects with `conflict` where
   * they are not any more those that `sha256` is of: then nothing may be created of it.
   */
  read(start: number, end: number): Promise<Uint8Array>
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
