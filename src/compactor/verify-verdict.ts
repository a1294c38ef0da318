import type { LogcaskError } from '../base/errors.ts'
import type { OpenGap } from '../bucket/stream-gaps.ts'
import type { Completeness } from '../bucket/stream-state.ts'
import type { Comparison } from './verify-against.ts'

/**
 * - `fine`    every byte that was promised is there, and is what its seals say (a live stream promises nothing yet);
 * - `gaps`    bytes are missing: expired, fewer than a seal says, lost, or not on both sides of a comparison;
 * - `unread`  it could not be read: nobody knows (I4);
 * - `differs` the content is not what a seal or the other side says, a record is no agent's, or a key was written twice.
 */
export type StreamVerdict = 'fine' | 'gaps' | 'unread' | 'differs'

/** From the best to the worst: of many streams, the worst counts. */
const order: readonly StreamVerdict[] = ['fine', 'gaps', 'unread', 'differs']

export interface VerdictFacts {
  completeness: Completeness
  differsAt: readonly number[]
  gaps: readonly OpenGap[]
  expiredBefore: number | undefined
  tampered: number | undefined
  sealProblem: string | undefined
  problem: LogcaskError | undefined
  against?: readonly Comparison[] | undefined
  /** What was delivered so long ago may have gone from the bucket, if an archive has it. */
  mayHaveExpired?: boolean | undefined
}

export function judgeStream(facts: VerdictFacts): StreamVerdict {
  const { problem, against = [], completeness } = facts
  if (against.some((one) => one.differs !== undefined || one.tamperedKeys !== undefined)) return 'differs'
  if (facts.differsAt.length > 0 || facts.tampered !== undefined || problem?.code === 'corrupt') return 'differs'
  if (problem !== undefined) return 'unread'
  if (against.some(({ missingThere }) => missingThere !== undefined)) return 'gaps'
  if (facts.gaps.length > 0 || facts.sealProblem !== undefined) return 'gaps'
  const isGone = facts.expiredBefore !== undefined || completeness.kind === 'short'
  const isHere = !isGone && against.every(({ missingHere }) => missingHere === undefined)
  return isHere || isArchived(facts) ? 'fine' : 'gaps'
}

/** An archive has all that was ever promised, and the bucket may have let it go. */
function isArchived({ mayHaveExpired, completeness, against = [] }: VerdictFacts): boolean {
  const promised = completeness.kind === 'short' ? completeness.length : 0
  const end = against.reduce((most, { missingHere }) => Math.max(most, missingHere?.end ?? 0), promised)
  return mayHaveExpired === true && against.some(({ archivedTo }) => archivedTo !== undefined && archivedTo >= end)
}

export function worstOf(verdicts: Iterable<StreamVerdict>): StreamVerdict {
  let worst = 0
  for (const verdict of verdicts) worst = Math.max(worst, order.indexOf(verdict))
  return order[worst] ?? 'fine'
}
