import type { AgentEvent } from '../../agent/context.ts'
import type { WholeEvent } from '../../agent/whole/whole-file.ts'
import type { GapReason } from '../../format/gap.ts'

/** What happened at one destination since the agent started. */
export interface DestinationCounts {
  segmentsSent: number
  segmentsAdopted: number
  /** On the chain there since the start, sent or found there. */
  bytesAcked: number
  streamsBegun: number
  seals: number
  forks: number
  /** Local bytes that differ from delivered ones: forks, and files that were edited in place. */
  conflicts: number
  gaps: Record<GapReason, number>
  /** Bytes that were seen here and are in a gap. What nobody saw is not in it. */
  bytesLost: number
  /** Files that go whole: sent, found there, and gone before they were. */
  wholes: Record<'sent' | 'there' | 'lost', number>
}

function none(): DestinationCounts {
  return {
    segmentsSent: 0,
    segmentsAdopted: 0,
    bytesAcked: 0,
    streamsBegun: 0,
    seals: 0,
    forks: 0,
    conflicts: 0,
    gaps: { truncated: 0, gone: 0, unspooled: 0, diverged: 0 },
    bytesLost: 0,
    wholes: { sent: 0, there: 0, lost: 0 },
  }
}

/** Counts of the agent's events, for metrics. */
export class EventCounts {
  readonly #at = new Map<string, DestinationCounts>()
  /** Times that something was reported, the same again included. */
  problems = 0

  at(destination: string): DestinationCounts {
    const counts = this.#at.get(destination) ?? none()
    this.#at.set(destination, counts)
    return counts
  }

  addWhole(event: WholeEvent): void {
    if (event.kind === 'delivered') this.at(event.destination).wholes[event.how]++
    else if (event.kind === 'lost') for (const name of event.destinations) this.at(name).wholes.lost++
  }

  add(event: AgentEvent): void {
    if (event.kind === 'problem') this.problems++
    if (!('delivery' in event)) return
    const counts = this.at(event.delivery.destination)
    switch (event.kind) {
      case 'acked':
        counts.bytesAcked += event.bytes
        if (event.sent) counts.segmentsSent++
        else counts.segmentsAdopted++
        break
      case 'began':
        counts.streamsBegun++
        break
      case 'sealed':
        counts.seals++
        break
      case 'forked':
        counts.forks++
        counts.conflicts++
        break
      case 'edited':
        counts.conflicts++
        break
      case 'gap':
        counts.gaps[event.reason]++
        if (event.reason !== 'diverged') counts.bytesLost += Math.max(0, event.life.size - event.offset)
    }
  }
}
