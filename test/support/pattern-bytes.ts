/** `size` bytes that repeat nowhere near the sizes of blocks, so that a shift or a swap shows (xorshift32). */
export function patternBytes(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0, state = seed >>> 0 || 1; at < size; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state & 0xff
  }
  return bytes
}
