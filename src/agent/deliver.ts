import type { AgentContext } from './context.ts'
import type { Courier } from './courier.ts'
import { finish } from './ending/finish.ts'
import { recordEnd } from './ending/record-end.ts'
import { attachDelivery } from './identity/attach.ts'
import { fork } from './identity/fork.ts'
import { recheck } from './identity/recheck.ts'
import type { Delivery, Life } from './life.ts'
import { ship } from './shipping/ship.ts'

/**
 * The way of a life's bytes to one destination, a step at a time: find its stream, see what is there, ship what is new,
 * finish it. True: something was done, and the next step may follow; false: nothing to do until the life is looked at again.
 */
export async function deliverStep(
  context: AgentContext,
  courier: Courier,
  life: Life,
  delivery: Delivery,
): Promise<boolean> {
  if (life.ended) return recordEnd(context, courier, life, delivery)
  if (life.file === undefined) return false
  if (delivery.stream === undefined) return attachDelivery(context, courier, life, delivery)
  if (delivery.mustFork !== undefined) {
    const why = delivery.mustFork
    delivery.mustFork = undefined
    await fork(context, courier, life, delivery, why)
    return true
  }
  if (!delivery.isChecked) return recheck(context, courier, life, delivery)
  return (await ship(context, courier, life, delivery)) || finish(context, courier, life, delivery)
}
