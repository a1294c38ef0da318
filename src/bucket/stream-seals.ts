import { isCode, type LogcaskError } from '../base/errors.ts'
import type { Bucket } from './bucket.ts'
import { readSeal } from './stream-header.ts'
import type { ListedSeal } from './stream-inventory.ts'

/** The seals of a stream that count, and why one that promises more than there is does not. */
export interface CountedSeals {
  seals: readonly ListedSeal[]
  problem: LogcaskError | undefined
}

/** Why a seal's record cannot be read, by its key: records never change, so that who looks often reads each once. */
export type SealProblems = Map<string, LogcaskError | undefined>

/** A host that stores thousands of records that nobody can read does not make us ask for all of them. */
const sealsReadMax = 4

/**
 * A seal of the chain's length is held against the content, whatever its record says. One that promises more bytes than
 * the chain has is read before anybody is told that they are missing: a later version may mean something else by it.
 * `seals` by length, ascending. Costs one small request where a stream is shorter than sealed, and at most four.
 */
export async function countSeals(
  bucket: Bucket,
  seals: readonly ListedSeal[],
  chainLength: number,
  options: { problems?: SealProblems; signal?: AbortSignal | undefined } = {},
): Promise<CountedSeals> {
  const { problems = new Map(), signal } = options
  const within = seals.filter(({ length }) => length <= chainLength)
  const beyond = seals.slice(within.length)
  let first: LogcaskError | undefined
  for (const seal of beyond.toReversed().slice(0, sealsReadMax)) {
    const problem = problems.has(seal.key) ? problems.get(seal.key) : await problemOf(bucket, seal, signal)
    problems.set(seal.key, problem)
    if (problem === undefined) return { seals: [...within, seal], problem: first }
    first ??= problem
  }
  return { seals: within, problem: first }
}

async function problemOf(
  bucket: Bucket,
  seal: ListedSeal,
  signal: AbortSignal | undefined,
): Promise<LogcaskError | undefined> {
  try {
    await readSeal(bucket, seal, signal)
    return undefined
  } catch (error) {
    if (isCode(error, 'corrupt')) return error
    throw error
  }
}
