import type { Clock } from '../../base/clock.ts'
import { errnoOf, isCode, LogcaskError } from '../../base/errors.ts'
import type { PutResult } from '../../bucket/bucket.ts'
import type { LargeBody } from '../../bucket/large-body.ts'
import { largeStepBytes } from '../../bucket/large-body.ts'
import type { Packed } from '../../bucket/packed.ts'
import { largeWay } from '../../bucket/probe-large.ts'
import { holdsSame } from '../../bucket/sameness.ts'
import { secondName } from '../../format/key-name.ts'
import type { Origin } from '../../format/origin.ts'
import { encodeWholeHeader } from '../../format/whole.ts'
import type { Destination } from '../destination.ts'
import { FileUnreadable } from './pack.ts'

export interface WholeDelivered {
  key: string
  /** `there`: an object with these bytes had the name already, maybe by our own lost request. */
  how: 'sent' | 'there'
  /** Other content has the first name. */
  isSecond: boolean
}

/** Compressed files up to this go in one request, from memory. */
const onePutBytesMax = 8 * largeStepBytes

type Ways = WeakMap<Destination, Promise<'parts' | 'one'>>

/** A store that says that a name is taken, and has nothing there, is not asked for ever. */
const roundsMax = 5

/** Creates whole files at destinations, each under the first name that is free or its own. */
export class WholeCourier {
  readonly #host: string
  readonly #clock: Clock
  readonly #ways: Ways = new WeakMap()

  constructor(host: string, clock: Clock) {
    this.#host = host
    this.#clock = clock
  }

  /**
   * Resolves when an object with the file's bytes is there. Nothing is ever overwritten: where other content has the name,
   * the file gets a second one. Rejects with `conflict` where the file changed meanwhile, or the second name is taken, too.
   */
  async deliver(
    destination: Destination,
    key: string,
    packed: Packed,
    origin: Origin,
    signal: AbortSignal,
  ): Promise<WholeDelivered> {
    for (const name of [key, secondName(key, packed.sha256)]) {
      const isSecond = name !== key
      const how = await this.#create(destination, name, packed, origin, signal)
      if (how !== undefined) return { key: name, how, isSecond }
    }
    throw new LogcaskError('conflict', `${key}: other content has this name, and the second one, too`, {
      hint: 'nothing was overwritten: name the file otherwise, or look who writes there',
    })
  }

  /** Undefined: other content has the name. */
  async #create(
    destination: Destination,
    key: string,
    packed: Packed,
    origin: Origin,
    signal: AbortSignal,
  ): Promise<'sent' | 'there' | undefined> {
    const { bucket } = destination
    for (let round = 0; round < roundsMax; round++) {
      const isTaken = packed.body.kind === 'large' && (await this.#isThere(destination, key, signal))
      const answer = isTaken ? 'exists' : await this.#put(destination, key, packed, origin, signal)
      if (answer === 'created') return 'sent'
      const isSame = await holdsSame(bucket, key, packed, (ask) => destination.request(ask, signal))
      // Gone again (an expiry, a tampering hand): then the name is free.
      if (isSame !== undefined) return isSame ? 'there' : undefined
    }
    throw new LogcaskError('unavailable', `${bucket.url}: ${key}: is refused as taken, and nothing is there`, {
      hint: 'it is tried again; if it stays so: logcask doctor, and look for delete markers on that name',
    })
  }

  /** Worth a question before gigabytes are sent. */
  async #isThere(destination: Destination, key: string, signal: AbortSignal): Promise<boolean> {
    return (await destination.request((inner) => destination.bucket.head(key, { signal: inner }), signal)) !== undefined
  }

  async #put(
    destination: Destination,
    key: string,
    packed: Packed,
    origin: Origin,
    signal: AbortSignal,
  ): Promise<PutResult> {
    const { bucket } = destination
    const { encoding, length, sha256, body } = packed
    const metadata = encodeWholeHeader({ origin, encoding, length, sha256 })
    if (body.kind === 'large' && body.large.size > onePutBytesMax) {
      const way = await this.#wayOf(destination, signal)
      return destination.upload(
        0,
        (inner) =>
          bucket.putLarge(key, paced(body.large, destination, inner), { mode: 'create', metadata, way, signal: inner }),
        signal,
      )
    }
    const small = body.kind === 'small' ? body : await inMemory(body.large)
    return destination.upload(
      small.bytes.byteLength,
      (inner) => bucket.put(key, small.bytes, { mode: 'create', metadata, sha256: small.sha256, signal: inner }),
      signal,
    )
  }

  #wayOf(destination: Destination, signal: AbortSignal): Promise<'parts' | 'one'> {
    const known = this.#ways.get(destination)
    if (known) return known
    const { bucket } = destination
    const asked = destination.request(
      (inner) => largeWay({ bucket, host: this.#host, clock: this.#clock, signal: inner }),
      signal,
    )
    this.#ways.set(destination, asked)
    asked.catch(() => this.#ways.delete(destination))
    return asked
  }
}

async function inMemory(large: LargeBody): Promise<{ bytes: Uint8Array; sha256: string }> {
  return { bytes: await large.read(0, large.size), sha256: large.sha256 }
}

/** Each stretch passes the rate limits by itself. */
function paced(large: LargeBody, destination: Destination, signal: AbortSignal): LargeBody {
  return {
    ...large,
    async read(start, end, into) {
      await destination.pass(end - start, signal)
      return large.read(start, end, into).catch((error) => {
        // Of this machine's disk, not of the store: it is none of its outages.
        throw isCode(error, 'unavailable', 'refused') || errnoOf(error) !== undefined
          ? new FileUnreadable(error)
          : error
      })
    },
  }
}
