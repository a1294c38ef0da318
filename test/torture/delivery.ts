import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WrittenLife } from './oracle.ts'
import type { PlainObject, PlainStore } from './plain-store.ts'

const prefixBytes = 256

/**
 * What of a life the store holds, asked past the proxy: writers that take bytes away wait for it, so that nothing goes
 * that nobody could have read. Conservative: where it is in doubt, less.
 */
export class DeliveryWatch {
  readonly #store: PlainStore
  readonly #beginnings = new Map<string, Buffer>()

  constructor(store: PlainStore) {
    this.#store = store
  }

  /** Bytes from the beginning of the life on. */
  async deliveredBytes(life: WrittenLife): Promise<number> {
    const own = await beginningOf(life)
    let most = 0
    for (const objects of (await this.#streams(life)).values()) {
      const first = objects.find(({ key }) => offsetOf(key) === 0)
      if (first === undefined) continue
      const theirs = this.#beginnings.get(first.key) ?? (await this.#store.head(first.key, prefixBytes))
      if (theirs.byteLength === prefixBytes) this.#beginnings.set(first.key, theirs)
      const shared = Math.min(own.byteLength, theirs.byteLength)
      if (own.subarray(0, shared).equals(theirs.subarray(0, shared))) most = Math.max(most, contiguousEnd(objects))
    }
    return most
  }

  /** False where that does not happen within `withinMs`, or the signal comes first. */
  async until(life: WrittenLife, bytes: number, withinMs: number, signal: AbortSignal): Promise<boolean> {
    const endMs = performance.now() + withinMs
    for (;;) {
      const delivered = await this.deliveredBytes(life).catch(() => 0)
      if (delivered >= bytes) return true
      if (signal.aborted || performance.now() > endMs) return false
      await sleep(500, undefined, { signal }).catch(() => {})
    }
  }

  /** Its own file's, in every generation. */
  async #streams({ host, identity, copyIdentity }: WrittenLife): Promise<Map<string, PlainObject[]>> {
    const streams = new Map<string, PlainObject[]>()
    for (const one of [identity, copyIdentity]) {
      if (one === undefined) continue
      for (const object of await this.#store.list(`segments/${host}/${one}`)) {
        const stream = object.key.split('/')[2] ?? ''
        streams.set(stream, [...(streams.get(stream) ?? []), object])
      }
    }
    return streams
  }
}

async function beginningOf(life: WrittenLife): Promise<Buffer> {
  const handle = await open(life.copy)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(prefixBytes), 0, prefixBytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

function offsetOf(key: string): number {
  return Number(key.split('/')[3]?.slice(0, 20))
}

/** By names and sizes alone; two objects at one offset are in doubt. */
function contiguousEnd(objects: readonly PlainObject[]): number {
  let end = 0
  for (;;) {
    const next = objects.filter(({ key }) => offsetOf(key) === end)
    if (next.length !== 1 || next[0] === undefined || next[0].size === 0) return end
    end += next[0].size
  }
}
