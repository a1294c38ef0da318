import type { Agent } from '../../agent/agent.ts'
import type { Courier } from '../../agent/courier.ts'
import type { Life } from '../../agent/life.ts'
import { isSettled } from '../../agent/rest.ts'
import type { LogcaskError } from '../../base/errors.ts'
import type { ComposedAgent } from '../compose/compose-agent.ts'

export type Delivering = Pick<ComposedAgent, 'agent' | 'troubles' | 'wholes'>

/** A destination that lacks something at the end of a run. */
export interface Unfinished {
  name: string
  /** It refuses until somebody acts. */
  isDown: boolean
  files: number
  /** What it lacks. */
  bytes: number
  message: string
  hint: string | undefined
}

/** What stood in the way of a place that is not settled yet: a path, or what else is named. */
export interface StandingProblem {
  message: string
  hint: string | undefined
  life: Life | undefined
}

/** Lives that the run is about. */
export function livesOf(agent: Agent): Life[] {
  return [...agent.book.all()].filter((life) => life.isMet)
}

export function unfinishedOf({ agent, troubles, wholes }: Delivering): Unfinished[] {
  const unfinished: Unfinished[] = []
  for (const courier of agent.couriers.values()) {
    const { name } = courier
    const left = livesOf(agent).filter((life) => life.deliveries.has(name) && !isSettledAt(life, name))
    const wholeLeft = wholes?.pendingAt(name) ?? []
    if (left.length + wholeLeft.length === 0 && agent.isExplored && wholes?.isExplored !== false) continue
    const bytes = left.reduce(
      (sum, life) => sum + (life.limit ?? life.size) - (life.deliveries.get(name)?.acked.offset ?? 0),
      wholeLeft.reduce((sum, { size }) => sum + size, 0),
    )
    const isDown = courier.destination.health.state === 'down'
    const { message, hint } = whyUnfinished(courier, troubles.get(name))
    unfinished.push({ name, isDown, files: left.length + wholeLeft.length, bytes, message, hint })
  }
  return unfinished
}

/** Problems that are no destination's (those are told with what it lacks), and of no file that is settled after all. */
export function standingProblems(
  { agent }: Pick<Delivering, 'agent'>,
  problems: ReadonlyMap<string, StandingProblem>,
): [place: string, problem: StandingProblem][] {
  return [...problems].filter(([place, { life }]) => !agent.couriers.has(place) && !(life && isSettled(life)))
}

function whyUnfinished(
  { destination: { health, bucket } }: Courier,
  trouble: LogcaskError | undefined,
): { message: string; hint: string | undefined } {
  if ('problem' in health) return health.problem
  if (health.state === 'ok')
    return { message: 'was not done in time', hint: 'run the same again: it goes on where it stopped' }
  if (trouble) return trouble
  return { message: 'has not answered yet', hint: `does it answer at all? logcask doctor '${bucket.url}'` }
}

export function isSettledAt(life: Life, name: string): boolean {
  const delivery = life.deliveries.get(name)
  if (delivery === undefined) return true
  // What only the checkpoint says was not seen there in this run.
  const isSeen = delivery.isChecked || life.ended !== undefined
  return isSeen && isSettled({ ...life, deliveries: new Map([[name, delivery]]) })
}
