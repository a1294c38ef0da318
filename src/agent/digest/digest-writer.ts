import { type Clock, isoTime } from '../../base/clock.ts'
import { isCode, LogcaskError, messageOf } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { listObjects, type ObjectEntry } from '../../bucket/bucket.ts'
import { encodeDigest } from '../../format/digest.ts'
import { digestKey, fromHour, hostPrefix, hourMs, hourOf, hourStart, parseKey } from '../../format/keys.ts'
import { digestBytesMax } from '../../format/limits.ts'
import type { AgentEvent } from '../context.ts'
import { abortable, type Destination } from '../destination.ts'
import type { LifeBook } from '../life-book.ts'
import { DigestAccount } from './digest-account.ts'

export interface DigestParts {
  host: string
  /** Random, per state directory. Who loses it, or copies it, begins another chain, or meets its own: both are seen. */
  agentId: string
  clock: Clock
  destination: Pick<Destination, 'name' | 'bucket' | 'ready'>
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
 * the next one, and who runs `ship` by hand promises none. It asks by itself, not as deliveries do: a store that lets no
 * digest in, and everything else, is well.
 */
export class DigestWriter {
  readonly account: DigestAccount
  readonly #parts: DigestParts
  /** The last one of this agent; its hash is undefined where it cannot be read. */
  #last: { hour: string; sha256: string | undefined } | undefined
  #isLastKnown = false
  #hasWritten = false
  /** Sent, and not answered yet: the same again, or a lost answer would look like another agent's digest. */
  #pending: Pending | undefined

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
    while (!signal.aborted) {
      try {
        await destination.ready(signal)
        // A mount that hangs must not hold up a stop.
        await abortable(this.#step(signal), signal)
      } catch (error) {
        if (signal.aborted) return
        // Unknown is tried again; that the destination does not answer is said by those who deliver there.
        if (!isCode(error, 'unavailable'))
          this.#say(messageOf(error), error instanceof LogcaskError ? error.hint : undefined)
      }
      await clock.sleep(lookEveryMs, signal).catch(() => {})
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    if (!this.#isLastKnown) this.#last = await this.#findLast(signal)
    this.#isLastKnown = true
    if (this.#isDue()) await this.#write(signal)
  }

  #isDue(): boolean {
    const { agentId, clock } = this.#parts
    const now = clock.now()
    if (this.#pending !== undefined) return true
    if (this.#last?.hour === hourOf(now)) return false
    const spread = (Number.parseInt(agentId.slice(0, 8), 16) / 2 ** 32) * spreadMs
    return !this.#hasWritten || now - hourStart(hourOf(now)) >= spread
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { bucket } = this.#parts.destination
    this.#pending ??= this.#compose()
    const { hour, key, body, hash, giveBack } = this.#pending
    const result = await bucket.put(key, body, { mode: 'create', sha256: hash, signal })
    const stored = result === 'created' ? hash : await this.#hashOf(key, body.byteLength, signal)
    const isFirst = !this.#hasWritten
    this.#hasWritten = true
    this.#pending = undefined
    this.#last = { hour, sha256: stored }
    if (stored === hash) return
    // What is there says what it says; what ours would have said is said by the next one.
    giveBack()
    // The first may meet what the agent before sent with its last breath.
    if (isFirst) return
    this.#say(
      `another agent wrote ${key}: its state directory is a copy of this one's`,
      'give one of the two a state directory of its own: stop it, and move its state directory away',
    )
  }

  #compose(): Pending {
    const { host, agentId, clock } = this.#parts
    const now = clock.now()
    const hour = hourOf(now)
    const { content, giveBack } = this.account.take()
    const body = Buffer.from(encodeDigest({ at: isoTime(now), previous: this.#last?.sha256, ...content }))
    return { hour, key: digestKey(host, hour, agentId), body, hash: sha256(body), giveBack }
  }

  #say(message: string, hint: string | undefined): void {
    const { destination, report } = this.#parts
    report({ kind: 'problem', code: 'digest-failed', place: `digest → ${destination.name}`, message, hint })
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
    const entries = await listObjects(destination.bucket, hostPrefix('digests', host), { startAfter, signal })
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
    const got = await destination.bucket.get(key, { range, signal })
    return got === undefined || got.body.byteLength > digestBytesMax ? undefined : sha256(got.body)
  }
}

interface Pending {
  hour: string
  key: string
  body: Buffer
  hash: string
  giveBack: () => void
}
