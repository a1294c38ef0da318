import { type Clock, isoTime } from '../base/clock.ts'
import { isCode, messageOf } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { listObjects, type ObjectEntry } from '../bucket/bucket.ts'
import { encodeDigest } from '../format/digest.ts'
import { digestKey, fromHour, hostPrefix, hourMs, hourOf, hourStart, parseKey } from '../format/keys.ts'
import { digestBytesMax } from '../format/limits.ts'
import type { AgentEvent } from './context.ts'
import type { Destination } from './destination.ts'
import { DigestAccount } from './digest-account.ts'
import type { LifeBook } from './life-book.ts'

export interface DigestParts {
  host: string
  /** Random, per state directory. Who loses it, or copies it, begins another chain, or meets its own: both are seen. */
  agentId: string
  clock: Clock
  destination: Pick<Destination, 'name' | 'bucket' | 'request'>
  book: Pick<LifeBook, 'current' | 'isExplored'>
  report: (event: AgentEvent) => void
}

/** A fleet that was started together does not write together. */
const spreadMs = 10 * 60_000
/** Clocks are set: how long until the next hour is asked again after this. */
const lookEveryMs = 60_000
/** An agent that was away for longer looks through all digests for its last one, once. */
const recentMs = 40 * 24 * hourMs

/**
 * Writes the digests of one destination: one per UTC hour, the first as soon as everything was looked at once. It costs
 * a PUT an hour, and at the start a LIST and a GET for the last one of before. Only a daemon does it: a digest promises
 * the next one, and who runs `ship` by hand promises none.
 */
export class DigestWriter {
  readonly account: DigestAccount
  readonly #parts: DigestParts
  /** The last one of this agent; its hash is undefined where it cannot be read. */
  #last: { hour: string; sha256: string | undefined } | undefined
  #hasWritten = false

  constructor(parts: DigestParts) {
    this.#parts = parts
    this.account = new DigestAccount(parts.destination.name)
  }

  /** Ends when aborted. What stands in the way is reported, and no reason to stop. */
  async run(signal: AbortSignal): Promise<void> {
    const { book, clock, destination } = this.#parts
    while (!book.isExplored && !signal.aborted) await clock.sleep(1_000, signal).catch(() => {})
    for (const life of book.current.values()) {
      const delivery = life.deliveries.get(destination.name)
      if (delivery?.stream !== undefined && delivery.acked.offset > 0) this.account.restore(delivery)
    }
    let isKnown = false
    while (!signal.aborted) {
      try {
        if (!isKnown) this.#last = await this.#findLast(signal)
        isKnown = true
        if (this.#isDue()) await this.#write(signal)
      } catch (error) {
        if (signal.aborted) return
        const hint = isCode(error, 'corrupt', 'invalid', 'internal') ? error.hint : undefined
        this.#parts.report({ kind: 'problem', place: `digest → ${destination.name}`, message: messageOf(error), hint })
      }
      await clock.sleep(lookEveryMs, signal).catch(() => {})
    }
  }

  #isDue(): boolean {
    const { agentId, clock } = this.#parts
    const now = clock.now()
    if (this.#last?.hour === hourOf(now)) return false
    const spread = (Number.parseInt(agentId.slice(0, 8), 16) / 2 ** 32) * spreadMs
    return !this.#hasWritten || now - hourStart(hourOf(now)) >= spread
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { host, agentId, clock, destination } = this.#parts
    const now = clock.now()
    const hour = hourOf(now)
    const { content, giveBack } = this.account.take()
    const body = Buffer.from(encodeDigest({ at: isoTime(now), previous: this.#last?.sha256, ...content }))
    const key = digestKey(host, hour, agentId)
    const hash = sha256(body)
    const put = (inner: AbortSignal) =>
      destination.bucket.put(key, body, { mode: 'create', sha256: hash, signal: inner })
    const result = await destination.request(put, signal).catch((error) => {
      giveBack()
      throw error
    })
    const isFirst = !this.#hasWritten
    this.#hasWritten = true
    const stored = result === 'created' ? hash : await this.#hashOf(key, digestBytesMax, signal)
    this.#last = { hour, sha256: stored }
    if (stored === hash) return
    // What is there says what it says; what ours would have said is said by the next one.
    giveBack()
    // The first may meet what the agent before sent with its last breath.
    if (isFirst) return
    this.#parts.report({
      kind: 'problem',
      place: `digest → ${destination.name}`,
      message: `another agent wrote ${key}: its state directory is a copy of this one's`,
      hint: 'give one of the two a state directory of its own: stop it, and move its state directory away',
    })
  }

  /** The newest of this agent's digests, by its hour. */
  async #findLast(signal: AbortSignal): Promise<{ hour: string; sha256: string | undefined } | undefined> {
    const { host, clock } = this.#parts
    const recent = fromHour(host, hourOf(Math.max(0, clock.now() - recentMs)))
    const found = (await this.#listOwn(recent, signal)) ?? (await this.#listOwn(undefined, signal))
    return found && { hour: found.hour, sha256: await this.#hashOf(found.key, found.size, signal) }
  }

  async #listOwn(
    startAfter: string | undefined,
    signal: AbortSignal,
  ): Promise<(ObjectEntry & { hour: string }) | undefined> {
    const { host, agentId, destination } = this.#parts
    const entries = await destination.request(
      (inner) => listObjects(destination.bucket, hostPrefix('digests', host), { startAfter, signal: inner }),
      signal,
    )
    const own = entries.flatMap((entry) => {
      const key = parseKey(entry.key)
      return key?.kind === 'digest' && key.agent === agentId ? [{ ...entry, hour: key.hour }] : []
    })
    return own.at(-1)
  }

  /** Undefined where it is not there any more, or is larger than any digest. */
  async #hashOf(key: string, size: number, signal: AbortSignal): Promise<string | undefined> {
    if (size > digestBytesMax) return undefined
    const { destination } = this.#parts
    const range = { start: 0, end: digestBytesMax + 1 }
    const got = await destination.request((inner) => destination.bucket.get(key, { range, signal: inner }), signal)
    return got === undefined || got.body.byteLength > digestBytesMax ? undefined : sha256(got.body)
  }
}
