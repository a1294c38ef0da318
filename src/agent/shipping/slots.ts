/** At most `count` holders at a time; waiters are served in order. */
export class Slots {
  readonly count: number
  #free: number
  readonly #waiting: { amount: number; go: () => void }[] = []

  constructor(count: number) {
    this.count = count
    this.#free = count
  }

  get free(): number {
    return this.#free
  }

  /** Takes `amount` (at most `count`); rejects with `signal.reason` when aborted while it waits. */
  async acquire(signal: AbortSignal, amount = 1): Promise<void> {
    signal.throwIfAborted()
    if (this.#waiting.length === 0 && this.#free >= amount) {
      this.#free -= amount
      return
    }
    await new Promise<void>((resolve, reject) => {
      const entry = {
        amount,
        go: () => {
          signal.removeEventListener('abort', stop)
          resolve()
        },
      }
      const stop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(signal.reason)
        this.#serve()
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#waiting.push(entry)
    })
  }

  release(amount = 1): void {
    this.#free += amount
    this.#serve()
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#free >= next.amount; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= next.amount
      next.go()
    }
  }
}
