import type { PlainObject } from './plain-store.ts'

/** What an object was when it was seen: what was never known of it stays undefined. */
interface Sighting {
  size?: number | undefined
  /** The ETag, of that store. */
  tag?: string | undefined
  sha256?: string | undefined
}

/**
 * Every object as it was first seen, and whether it ever was another later: I2 as an outsider can check it. Seen are
 * PUTs that the store confirmed, all objects every few seconds, and all of them at the end.
 */
export class Sightings {
  readonly #seen = new Map<string, Sighting>()
  readonly #rewritten = new Set<string>()
  #vanished: readonly string[] = []

  see(key: string, now: Sighting): void {
    const first = this.#seen.get(key) ?? {}
    for (const name of ['size', 'tag', 'sha256'] as const) {
      const before = first[name]
      if (before !== undefined && now[name] !== undefined && before !== now[name]) this.#rewritten.add(key)
    }
    this.#seen.set(key, {
      size: first.size ?? now.size,
      tag: first.tag ?? now.tag,
      sha256: first.sha256 ?? now.sha256,
    })
  }

  seeAll(objects: readonly PlainObject[]): void {
    for (const { key, size, tag } of objects) this.see(key, { size, tag })
  }

  /** `objects` are all that there are: what was seen before and is not among them is gone. */
  seeLast(objects: readonly PlainObject[]): void {
    this.seeAll(objects)
    const there = new Set(objects.map(({ key }) => key))
    this.#vanished = [...this.#seen.keys()].filter((key) => !there.has(key))
  }

  get count(): number {
    return this.#seen.size
  }

  get rewritten(): string[] {
    return [...this.#rewritten].sort()
  }

  get vanished(): readonly string[] {
    return this.#vanished
  }
}
