import type { AgentEvent } from '../agent/context.ts'
import type { Delivery, Life } from '../agent/life.ts'
import type { DeliveryEvent, EventPlace } from './delivery-contract.ts'

/** As data of its own: what the agent goes on changing stays its own. Undefined for what is nobody else's business. */
export function eventForOthers(event: AgentEvent): DeliveryEvent | undefined {
  switch (event.kind) {
    case 'rotated':
      return { kind: 'rotated', path: event.life.path, from: event.from }
    case 'ended':
      return { kind: 'ended', path: event.life.path, why: event.why }
    case 'began':
      return { kind: 'began', ...placeOf(event), how: event.how, offset: event.delivery.acked.offset }
    case 'acked': {
      const { bytes, sent, delivery } = event
      return { kind: 'acked', ...placeOf(event), bytes, offset: delivery.acked.offset, wasSent: sent }
    }
    case 'sealed':
      return { kind: 'sealed', ...placeOf(event), length: event.length, sha256: event.sha256 }
    case 'gap':
      return { kind: 'gap', ...placeOf(event), offset: event.offset, reason: event.reason }
    case 'forked':
      return { kind: 'forked', ...placeOf(event), from: event.from, why: event.why }
    case 'edited':
      return { kind: 'edited', ...placeOf(event) }
    case 'problem':
      return { kind: 'problem', place: event.place, message: event.message, hint: event.hint }
    default:
      return undefined
  }
}

function placeOf({ life, delivery }: { life: Life; delivery: Delivery }): EventPlace {
  return { path: life.path, destination: delivery.destination, stream: delivery.stream ?? '' }
}
