/** Numbers of inodes, by mount: where they are used again, the last one that was given back is the next one. */
export class InodeNumbers {
  readonly #reuses: boolean
  readonly #next: number[]
  readonly #free: number[][]

  constructor(mounts: number, reuses: boolean) {
    this.#reuses = reuses
    this.#next = Array.from({ length: mounts }, () => 12)
    this.#free = this.#next.map(() => [])
  }

  /** One that was never given out, unless one that is free may be used again. */
  take(mount: number, mayBeUsed: boolean): number {
    const free = this.#reuses && mayBeUsed ? this.#free[mount]?.pop() : undefined
    if (free !== undefined) return free
    const number = this.#next[mount] ?? 12
    this.#next[mount] = number + 1
    return number
  }

  giveBack(mount: number, number: number): void {
    this.#free[mount]?.push(number)
  }

  /** What was given back is in use again, after all. */
  keep(used: ReadonlySet<number>): void {
    for (const [at, numbers] of this.#free.entries()) this.#free[at] = numbers.filter((number) => !used.has(number))
  }

  /** Another disk with the same inodes, of which none was given back. */
  copy(): InodeNumbers {
    const copy = new InodeNumbers(this.#next.length, this.#reuses)
    copy.#next.splice(0, copy.#next.length, ...this.#next)
    return copy
  }
}
