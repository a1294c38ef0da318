import type { Digest, DigestStream } from '../../format/digest.ts'
import { digestStreamsMax } from '../../format/limits.ts'
import type { AgentEvent } from '../context.ts'
import type { Delivery } from '../life.ts'

/** Streams that wait to be told of: a day's worth of digests and more. Of a host that begins more than that, some are never told. */
const waitingMax = 10_000

/** What the next digest of one destination will say. */
export class DigestAccount {
  readonly #destination: string
  /** Changed, and not told of yet; the longest waiting first. */
  readonly #changed = new Set<Delivery>()
  /** Known from the checkpoint: may have changed between the last digest and the end of the agent before. Told when there is room. */
  readonly #restored = new Set<Delivery>()
  #begun = 0
  #acked = new Set<Delivery>()
  #sealed = 0
  #dropped = 0

  constructor(destination: string) {
    this.#destination = destination
  }

  note(event: AgentEvent): void {
    if (event.kind !== 'began' && event.kind !== 'acked' && event.kind !== 'sealed') return
    const { delivery } = event
    if (delivery.destination !== this.#destination) return
    if (event.kind === 'began') this.#begun++
    else if (event.kind === 'sealed') this.#sealed++
    // A store may take everything but digests, for years (I7).
    else if (this.#acked.size < waitingMax) this.#acked.add(delivery)
    this.#restored.delete(delivery)
    this.#changed.add(delivery)
    const [oldest] = this.#changed
    if (this.#changed.size <= waitingMax || oldest === undefined) return
    this.#changed.delete(oldest)
    this.#dropped++
  }

  restore(delivery: Delivery): void {
    if (!this.#changed.has(delivery)) this.#restored.add(delivery)
  }

  /** What there is to say now. What was taken is not said again; `giveBack` undoes that. */
  take(): { content: Pick<Digest, 'begun' | 'acked' | 'sealed' | 'streams' | 'more'>; giveBack: () => void } {
    const taken = [...this.#changed].slice(0, digestStreamsMax)
    const spare = [...this.#restored].slice(0, digestStreamsMax - taken.length)
    for (const delivery of taken) this.#changed.delete(delivery)
    for (const delivery of spare) this.#restored.delete(delivery)
    const content = {
      begun: this.#begun,
      acked: this.#acked.size,
      sealed: this.#sealed,
      streams: streamsOf([...taken, ...spare]),
      more: this.#changed.size + this.#dropped,
    }
    const [dropped, acked] = [this.#dropped, this.#acked]
    this.#begun = this.#sealed = this.#dropped = 0
    this.#acked = new Set()
    return {
      content,
      giveBack: () => {
        this.#begun += content.begun
        this.#sealed += content.sealed
        this.#dropped += dropped
        for (const delivery of acked) this.#acked.add(delivery)
        for (const delivery of taken) this.#changed.add(delivery)
        for (const delivery of spare) this.#restored.add(delivery)
      },
    }
  }
}

/** Sorted, each once: a file and its copy hold one stream. */
function streamsOf(deliveries: readonly Delivery[]): DigestStream[] {
  const streams = new Map<string, DigestStream>()
  for (const { stream, acked, rollup, sealed } of deliveries) {
    if (stream === undefined || (streams.get(stream)?.length ?? -1) >= acked.offset) continue
    const isSealed = sealed?.length === acked.offset
    streams.set(stream, {
      stream,
      length: acked.offset,
      ...(rollup ? { rollup } : {}),
      ...(isSealed ? { sealed: true } : {}),
    })
  }
  return [...streams.values()].sort((a, b) => (a.stream < b.stream ? -1 : 1))
}
