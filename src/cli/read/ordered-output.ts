/** What one that is not first yet may keep in memory; then it waits. With as many as work at once, a bound for all. */
const heldBytesMax = 1024 * 1024

/** The output of works that run at once, as if they had run one after the other: in the order in which they were begun. */
export class OrderedOutput {
  readonly #write: (bytes: Uint8Array) => Promise<void>
  #last: Promise<void> = Promise.resolve()

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write
  }

  /** Each must be closed; the ones behind it wait for that. */
  begin(): OutputTurn {
    const over = Promise.withResolvers<void>()
    const turn = new OutputTurn(this.#last, this.#write, over.resolve)
    this.#last = over.promise
    return turn
  }
}

export class OutputTurn {
  readonly #before: Promise<void>
  readonly #write: (bytes: Uint8Array) => Promise<void>
  readonly #over: () => void
  #held: Uint8Array[] = []
  #heldBytes = 0
  #isFirst = false

  constructor(before: Promise<void>, write: (bytes: Uint8Array) => Promise<void>, over: () => void) {
    this.#before = before
    this.#write = write
    this.#over = over
    void before.then(() => {
      this.#isFirst = true
    })
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#held.push(bytes)
    this.#heldBytes += bytes.byteLength
    if (this.#isFirst || this.#heldBytes > heldBytesMax) await this.#flush()
  }

  /** Resolves when all of it is out; the next one is first then, also where writing failed. */
  async close(): Promise<void> {
    try {
      await this.#flush()
    } finally {
      await this.#before
      this.#over()
    }
  }

  async #flush(): Promise<void> {
    await this.#before
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    for (const bytes of held) await this.#write(bytes)
  }
}
