import type { Agent } from '../../agent/agent.ts'
import type { WholeShipper } from '../../agent/whole/whole-shipper.ts'
import type { Clock } from '../../base/clock.ts'
import { LogcaskError } from '../../base/errors.ts'

/** The reason of a run that was ended because of it. */
export const hopeless = new LogcaskError('refused', 'nobody is left who could take more')

const lookEveryMs = 200

/**
 * Calls `end` once a one-shot run has delivered all that it can, and the rest is refused until somebody acts: waiting
 * would not help. What it gives back ends the watch.
 */
export function onHopeless(
  agent: Agent,
  clock: Pick<Clock, 'timer'>,
  end: () => void,
  wholes?: WholeShipper | undefined,
): () => void {
  let cancel = (): void => {}
  let looksSo = 0
  const look = (): void => {
    looksSo = agent.isExplored && wholes?.isExplored !== false && isHopeless(agent, wholes) ? looksSo + 1 : 0
    // A file whose turn has just come is nobody's work for a moment.
    if (looksSo === 2) end()
    else cancel = clock.timer(lookEveryMs, look)
  }
  look()
  return () => cancel()
}

function isHopeless(agent: Agent, wholes: WholeShipper | undefined): boolean {
  const couriers = [...agent.couriers.values()]
  const isDown = ({ destination }: (typeof couriers)[number]): boolean => destination.health.state === 'down'
  return (
    couriers.some(isDown) &&
    agent.book.waiting.size === 0 &&
    couriers.every(
      (courier) =>
        isDown(courier) ||
        (courier.isIdle &&
          wholes?.queues.get(courier.name)?.isIdle !== false &&
          courier.destination.health.state === 'ok'),
    )
  )
}
