import type { Clock } from '../../src/base/clock.ts'
import { LogcaskError } from '../../src/base/errors.ts'
import type { Bucket, ListEntry, ListOptions } from '../../src/bucket/bucket.ts'
import type { SeededRandom } from './seeded-random.ts'

/** A request as a rule sees it. */
export interface Operation {
  op: 'put' | 'get' | 'head' | 'list'
  /** The prefix, of a `list`. */
  key: string
  /** Of all requests to this bucket, from 0. */
  number: number
  /** Of the requests with the same `op` and `key`, from 0. */
  attempt: number
}

/** What happens to a request, on either side of the store's deed. */
export type Fault =
  /** It never reached the store. */
  | { kind: 'unavailable' }
  /** The store acted, and its answer was lost. A listing loses its end. */
  | { kind: 'lost' }
  /** The answer is lost at once; the request lands `ms` later, whatever has happened meanwhile. Reads never land. */
  | { kind: 'late'; ms: number }
  | { kind: 'refused'; message?: string }
  /** Waits, then acts. */
  | { kind: 'slow'; ms: number }
  /** Acts, then waits. */
  | { kind: 'slow-answer'; ms: number }
  /** No answer until aborted; with `acted` the store has acted. */
  | { kind: 'hang'; acted?: boolean }
  /** A listing breaks off after `entries` of them. Other requests: as `unavailable`. */
  | { kind: 'cut'; entries: number }

export type Rule = (operation: Operation) => Fault | undefined

export interface FaultBucket extends Bucket {
  /** From the next request on. */
  setRule(rule: Rule | undefined): void
  /** Every request so far, with what happened to it. */
  readonly operations: readonly (Operation & { fault: Fault['kind'] | undefined })[]
  /** Requests that were late, or whose answer was given up, and have not landed yet. */
  readonly inFlight: number
}

const lostAnswer = (what: string): LogcaskError =>
  new LogcaskError('unavailable', `${what}: no answer (injected)`, { hint: 'ask again' })

const refusal = (what: string, message = `${what}: 403 AccessDenied (injected)`): LogcaskError =>
  new LogcaskError('refused', message, { hint: 'allow it' })

/** A decorator of the port that injects what `rule` says. Without a rule it changes nothing. */
export function faultBucket(bucket: Bucket, clock: Pick<Clock, 'sleep' | 'timer'>, rule?: Rule): FaultBucket {
  const operations: (Operation & { fault: Fault['kind'] | undefined })[] = []
  const attempts = new Map<string, number>()
  let current = rule
  let inFlight = 0

  const judge = (op: Operation['op'], key: string): Fault | undefined => {
    const attempt = attempts.get(`${op} ${key}`) ?? 0
    attempts.set(`${op} ${key}`, attempt + 1)
    const operation = { op, key, number: operations.length, attempt }
    const fault = current?.(operation)
    operations.push({ ...operation, fault: fault?.kind })
    return fault
  }

  const land = (act: (signal: undefined) => Promise<unknown>, afterMs: number): void => {
    inFlight++
    const done = (): void => {
      inFlight--
    }
    clock.timer(afterMs, () => void act(undefined).then(done, done))
  }

  /** One request: `act` is the store's deed; it is called with no signal once the caller has gone. */
  const request = async <T>(
    op: 'put' | 'get' | 'head',
    key: string,
    signal: AbortSignal | undefined,
    act: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> => {
    signal?.throwIfAborted()
    const fault = judge(op, key)
    switch (fault?.kind) {
      case undefined:
        return act(signal)
      case 'unavailable':
      case 'cut':
        throw lostAnswer(`${op} ${key}`)
      case 'refused':
        throw refusal(`${op} ${key}`, fault.message)
      case 'lost':
        await act(signal)
        throw lostAnswer(`${op} ${key}`)
      case 'late':
        if (op === 'put') land(act, fault.ms)
        throw lostAnswer(`${op} ${key}`)
      case 'slow':
        await clock.sleep(fault.ms, signal)
        return act(signal)
      case 'slow-answer': {
        const answer = await act(signal)
        await clock.sleep(fault.ms, signal)
        return answer
      }
      case 'hang':
        if (fault.acted) await act(signal)
        return untilAborted(signal)
    }
  }

  return {
    url: bucket.url,
    capabilities: bucket.capabilities,
    put: (key, body, options) => {
      // A late request carries what was given to it, not what the caller's memory holds by then.
      const copy = new Uint8Array(body)
      return request('put', key, options.signal, (signal) => bucket.put(key, copy, { ...options, signal }))
    },
    putLarge: (key, body, options) =>
      request('put', key, options.signal, (signal) => bucket.putLarge(key, body, { ...options, signal })),
    get: (key, options = {}) =>
      request('get', key, options.signal, (signal) => bucket.get(key, { ...options, signal })),
    head: (key, options = {}) =>
      request('head', key, options.signal, (signal) => bucket.head(key, { ...options, signal })),
    list: (prefix, options = {}) => faultyList(bucket, clock, prefix, options, () => judge('list', prefix)),
    close: () => bucket.close(),
    setRule(next) {
      current = next
    },
    operations,
    get inFlight() {
      return inFlight
    },
  }
}

async function* faultyList(
  bucket: Bucket,
  clock: Pick<Clock, 'sleep'>,
  prefix: string,
  options: ListOptions,
  judge: () => Fault | undefined,
): AsyncGenerator<ListEntry> {
  options.signal?.throwIfAborted()
  const fault = judge()
  if (fault?.kind === 'unavailable' || fault?.kind === 'late') throw lostAnswer(`list ${prefix}`)
  if (fault?.kind === 'refused') throw refusal(`list ${prefix}`, fault.message)
  if (fault?.kind === 'hang') await untilAborted(options.signal)
  if (fault?.kind === 'slow') await clock.sleep(fault.ms, options.signal)
  let entries = 0
  for await (const entry of bucket.list(prefix, options)) {
    if (fault?.kind === 'cut' && entries++ >= fault.entries) throw lostAnswer(`list ${prefix}`)
    yield entry
  }
  if (fault?.kind === 'slow-answer') await clock.sleep(fault.ms, options.signal)
  // Fewer entries than the cut: the page that would have said "that is all" was lost.
  if (fault?.kind === 'lost' || fault?.kind === 'cut') throw lostAnswer(`list ${prefix}`)
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Probabilities of each fault per request; together at most 1. */
export type FaultMix = Partial<Record<Fault['kind'], number>>

/** A rule by seeded chance. Waits are up to `waitMsMax` (default 5 s); cuts come within the first ten entries. */
export function randomFaults(random: SeededRandom, mix: FaultMix, waitMsMax = 5_000): Rule {
  const make: Record<Fault['kind'], () => Fault> = {
    unavailable: () => ({ kind: 'unavailable' }),
    lost: () => ({ kind: 'lost' }),
    late: () => ({ kind: 'late', ms: random.int(1, waitMsMax) }),
    refused: () => ({ kind: 'refused' }),
    slow: () => ({ kind: 'slow', ms: random.int(1, waitMsMax) }),
    'slow-answer': () => ({ kind: 'slow-answer', ms: random.int(1, waitMsMax) }),
    hang: () => ({ kind: 'hang', acted: random.chance(0.5) }),
    cut: () => ({ kind: 'cut', entries: random.int(0, 9) }),
  }
  const kinds = Object.keys(mix) as Fault['kind'][]
  return () => {
    let draw = random.next()
    for (const kind of kinds) {
      draw -= mix[kind] ?? 0
      if (draw < 0) return make[kind]()
    }
    return undefined
  }
}
