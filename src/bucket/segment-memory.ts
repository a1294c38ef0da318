/** Below this a buffer of its own costs less than to look for one. */
const pooledBytesMin = 64 * 1024

/**
 * A bounded amount of memory for whole segments, shared by all streams that are worked on at once, and used again and
 * again: V8 collects everything there is for each few megabytes of buffers that are new, which took half the CPU time of a
 * download, and keeps twice as many resident.
 */
export class SegmentMemory {
  readonly #bytesMax: number
  #takenBytes = 0
  /** In the order of their coming. */
  readonly #waiting: { length: number; begin: () => void }[] = []
  /** By size, of which there are few (`sizeClass`). */
  readonly #free = new Map<number, ArrayBuffer[]>()
  #freeBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes that may be taken without a wait: what is read ahead keeps nobody waiting. */
  get room(): number {
    return this.#waiting.length > 0 ? 0 : Math.max(0, this.#bytesMax - this.#takenBytes)
  }

  /**
   * `length` bytes with anything in them, until they are given back; more than there can be, when nobody else has any. Who
   * holds some already asks only for what there is room for: then everybody goes on some time.
   */
  async take(length: number, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    if (this.#waiting.length > 0 || !this.#fits(length)) await this.#turn(length, signal)
    else this.#takenBytes += sizeClass(length)
    return this.#memory(length)
  }

  /** Once for each that was taken, when nobody reads or writes it any more. */
  give({ buffer }: Uint8Array): void {
    const size = buffer.byteLength
    this.#takenBytes -= size
    if (size >= pooledBytesMin && this.#takenBytes + this.#freeBytes + size <= this.#bytesMax) {
      const same = this.#free.get(size) ?? []
      same.push(buffer as ArrayBuffer)
      this.#free.set(size, same)
      this.#freeBytes += size
    }
    this.#admit()
  }

  #fits(length: number): boolean {
    return this.#takenBytes === 0 || this.#takenBytes + sizeClass(length) <= this.#bytesMax
  }

  #turn(length: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(one), 1)
        reject(signal?.reason)
        this.#admit()
      }
      const one = {
        length,
        begin: () => {
          signal?.removeEventListener('abort', stop)
          resolve()
        },
      }
      signal?.addEventListener('abort', stop, { once: true })
      this.#waiting.push(one)
    })
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.length); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#takenBytes += sizeClass(next.length)
      next.begin()
    }
  }

  #memory(length: number): Uint8Array {
    const size = sizeClass(length)
    const known = this.#free.get(size)?.pop()
    if (known === undefined) {
      this.#shrink(Math.max(0, this.#bytesMax - this.#takenBytes))
      return new Uint8Array(size).subarray(0, length)
    }
    this.#freeBytes -= size
    return new Uint8Array(known, 0, length)
  }

  /** Of what is kept for later, so much at most stays: sizes that were needed once are not needed for ever. */
  #shrink(bytes: number): void {
    for (const [size, same] of this.#free) {
      while (this.#freeBytes > bytes && same.pop() !== undefined) this.#freeBytes -= size
      if (same.length === 0) this.#free.delete(size)
    }
  }
}

/** The next of four steps between powers of two: a quarter is wasted at most, and segments of like sizes share memory. */
function sizeClass(length: number): number {
  if (length < pooledBytesMin) return length
  const step = 2 ** (Math.ceil(Math.log2(length)) - 3)
  return Math.ceil(length / step) * step
}
