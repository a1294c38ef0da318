/** How often each thing really happened: an idle simulation must not pass for a green one. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add(what: string, times = 1): void {
    if (times > 0) this.#counts.set(what, (this.#counts.get(what) ?? 0) + times)
  }

  addAll(other: Iterable<readonly [string, number]>): void {
    for (const [what, times] of other) this.add(what, times)
  }

  get(what: string): number {
    return this.#counts.get(what) ?? 0
  }

  /** By name. */
  [Symbol.iterator](): IterableIterator<[string, number]> {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1))[Symbol.iterator]()
  }
}
