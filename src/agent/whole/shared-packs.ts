import type { Packed } from '../../bucket/packed.ts'

/** What is kept in memory for destinations that come a little later; a slow one reads the file again. */
const keptBytesMax = 8 * 1024 * 1024

interface Entry {
  packed: Promise<Packed | undefined>
  users: number
  bytes: number
}

/** Packs each file once for all destinations that want it at about the same time. */
export class SharedPacks {
  readonly #entries = new Map<string, Entry>()

  /**
   * Calls `work` with what `make` gives, or gave for the same key a moment ago. `isWanted` says, afterwards, whether
   * somebody else will come for it.
   */
  async use<T>(
    key: string,
    make: () => Promise<Packed | undefined>,
    isWanted: () => boolean,
    work: (packed: Packed | undefined) => Promise<T>,
  ): Promise<T> {
    const entry = this.#entries.get(key) ?? { packed: make(), users: 0, bytes: 0 }
    this.#entries.set(key, entry)
    entry.users++
    try {
      const packed = await entry.packed
      entry.bytes = packed?.body.kind === 'small' ? packed.body.bytes.byteLength : 0
      return await work(packed)
    } finally {
      entry.users--
      const packed = await entry.packed.catch(() => undefined)
      if (entry.users === 0 && (packed?.body.kind !== 'small' || !isWanted())) await this.#drop(key, entry)
      await this.#trim()
    }
  }

  /** Gives everything back; to be called when nobody uses any of it. */
  async close(): Promise<void> {
    for (const [key, entry] of this.#entries) await this.#drop(key, entry)
  }

  async #trim(): Promise<void> {
    let bytes = [...this.#entries.values()].reduce((sum, entry) => sum + entry.bytes, 0)
    for (const [key, entry] of this.#entries) {
      if (bytes <= keptBytesMax) return
      if (entry.users > 0) continue
      bytes -= entry.bytes
      await this.#drop(key, entry)
    }
  }

  async #drop(key: string, entry: Entry): Promise<void> {
    if (this.#entries.get(key) === entry) this.#entries.delete(key)
    await (await entry.packed.catch(() => undefined))?.close()
  }
}
