import type { Clock } from '../../src/base/clock.ts'
import { LogcaskError } from '../../src/base/errors.ts'
import type { Bucket, ListEntry, ListOptions } from '../../src/bucket/bucket.ts'
import { createMemoryBucket, type MemoryBucket } from '../../src/bucket/memory.ts'
import type { Metadata } from '../../src/format/segment.ts'
import { type Fault, faultBucket, type Operation } from '../support/fault-bucket.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { Counts } from './counts.ts'
import { watchFlights } from './flights.ts'
import type { VirtualProcess } from './process.ts'

/** What requests to a store meet. */
export const weathers = ['fine', 'down', 'refusing', 'bad', 'slow', 'late', 'bad-list'] as const
export type Weather = (typeof weathers)[number]

export interface StoredObject {
  body: Uint8Array
  metadata: Metadata
  storedAtMs: number
}

/** A store that several processes reach, each over a line of its own. What it holds is seen past its faults. */
export class Store {
  readonly name: string
  weather: Weather = 'fine'
  /** Everything that it holds, as the oracle sees it. */
  readonly objects = new Map<string, StoredObject>()
  /** Turned back, emptied or expired: what was there may be missing. */
  wasTurnedBack = false
  /** Requests that reached it. */
  requests = 0
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #counts: Counts
  #memory: MemoryBucket

  constructor(name: string, clock: Clock, random: SeededRandom, counts: Counts) {
    this.name = name
    this.#clock = clock
    this.#random = random
    this.#counts = counts
    this.#memory = createMemoryBucket(clock, { name })
  }

  /** Whoever has the store's keys may write anything, where nothing is yet. */
  async create(key: string, body: Uint8Array, metadata: Metadata = {}): Promise<boolean> {
    const result = await this.#memory.put(key, body, { mode: 'create', metadata })
    if (result === 'created')
      this.objects.set(key, { body: new Uint8Array(body), metadata: { ...metadata }, storedAtMs: this.#clock.now() })
    return result === 'created'
  }

  /** Holds just these objects from now on: a backup of itself, or what a lifecycle rule leaves. */
  async become(objects: ReadonlyMap<string, StoredObject>): Promise<void> {
    this.#memory = createMemoryBucket(this.#clock, { name: this.name })
    const kept = [...objects]
    this.objects.clear()
    for (const [key, object] of kept) {
      await this.#memory.put(key, object.body, { mode: 'create', metadata: object.metadata })
      this.objects.set(key, object)
    }
    this.wasTurnedBack = true
  }

  /** The port as a process has it. Requests that it sent may land after its end. */
  reach(process: VirtualProcess): Bucket {
    const line = { isCut: false }
    process.atEnd(() => {
      // The kernel may still send what was written to the socket.
      line.isCut = this.#random.chance(0.5)
    })
    const direct = this.#direct(process, line)
    const watched = watchFlights(this.#counts)
    const faulty = faultBucket(direct, this.#clock, (operation) => this.#fault(operation))
    return {
      url: faulty.url,
      capabilities: faulty.capabilities,
      put: (key, body, options) => process.hear(watched(key, () => faulty.put(key, body, options))),
      putLarge: (key, body, options) => process.hear(faulty.putLarge(key, body, options)),
      get: (key, options) => process.hear(faulty.get(key, options)),
      head: (key, options) => process.hear(faulty.head(key, options)),
      list: (prefix, options) => heard(process, faulty.list(prefix, options)),
      close: () => Promise.resolve(),
    }
  }

  #direct(process: VirtualProcess, line: { isCut: boolean }): Bucket {
    const reachable = (): void => {
      if (line.isCut) throw new LogcaskError('unavailable', 'the sender is dead')
    }
    const arrive = (): void => {
      reachable()
      this.requests++
    }
    return {
      url: this.#memory.url,
      capabilities: this.#memory.capabilities,
      put: async (key, body, options) => {
        arrive()
        const result = await this.#memory.put(key, body, options)
        if (!process.isAlive) this.#counts.add(`landed after its sender's death: ${result}`)
        if (result === 'created')
          this.objects.set(key, {
            body: new Uint8Array(body),
            metadata: { ...options.metadata },
            storedAtMs: this.#clock.now(),
          })
        return result
      },
      async putLarge(key, body, options) {
        return this.put(key, await body.read(0, body.size), { ...options, sha256: body.sha256 })
      },
      get: async (key, options) => {
        arrive()
        return this.#memory.get(key, options)
      },
      head: async (key, options) => {
        arrive()
        return this.#memory.head(key, options)
      },
      list: (prefix, options) => {
        // Its pages are small to let others write in between; a store's hold a thousand entries.
        arrive()
        return this.#pages(prefix, options ?? {}, reachable)
      },
      close: () => Promise.resolve(),
    }
  }

  /** A listing in pages; between two of them others write. */
  async *#pages(prefix: string, options: ListOptions, reachable: () => void): AsyncGenerator<ListEntry> {
    const pageEntries = this.#random.pick([2, 5, 1000])
    for (let startAfter = options.startAfter; ; ) {
      reachable()
      let entries = 0
      for await (const entry of this.#memory.list(prefix, { ...options, startAfter })) {
        yield entry
        startAfter = entry.kind === 'object' ? entry.key : `${entry.prefix}\uffff`
        if (++entries === pageEntries) break
      }
      if (entries < pageEntries) return
      await this.#clock.sleep(this.#random.int(1, 20), options.signal)
    }
  }

  #fault(operation: Operation): Fault | undefined {
    const fault = this.#draw(operation)
    if (fault && fault.kind !== 'slow' && fault.kind !== 'slow-answer')
      this.#counts.add(`${operation.op} ${fault.kind}`)
    return fault
  }

  #draw({ op }: Operation): Fault | undefined {
    const random = this.#random
    const wait = (max: number): Fault => ({ kind: random.pick(['slow', 'slow-answer']), ms: random.int(1, max) })
    switch (this.weather) {
      case 'fine':
        return random.chance(0.4) ? wait(30) : undefined
      case 'down':
        return { kind: 'unavailable' }
      case 'refusing':
        return { kind: 'refused' }
      case 'slow':
        return wait(random.pick([500, 8_000]))
      case 'late':
        return random.chance(0.3) ? { kind: 'late', ms: random.int(1_000, 240_000) } : wait(200)
      case 'bad-list':
        if (op !== 'list') return random.chance(0.2) ? wait(300) : undefined
        return random.pick<Fault | undefined>([
          { kind: 'cut', entries: random.int(0, 6) },
          { kind: 'lost' },
          { kind: 'unavailable' },
          undefined,
        ])
      case 'bad':
        return random.pick<Fault | undefined>([
          { kind: 'lost' },
          { kind: 'unavailable' },
          { kind: 'late', ms: random.int(1, 20_000) },
          { kind: 'cut', entries: random.int(0, 6) },
          wait(2_000),
          wait(300),
          undefined,
          undefined,
          undefined,
        ])
    }
  }
}

async function* heard(process: VirtualProcess, entries: AsyncIterable<ListEntry>): AsyncGenerator<ListEntry> {
  const iterator = entries[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await process.hear(iterator.next())
      if (next.done) return
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}
