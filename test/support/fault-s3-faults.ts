import type { Operation } from './fault-s3-operations.ts'
import { problem, type Reply } from './fault-s3-reply.ts'
import { seededRandom } from './seeded-random.ts'

/** What a rule sees of a request, before its body is read. */
export interface FaultRequest {
  operation: Operation
  method: string
  bucket: string
  key: string
  /** Bytes that the body is said to have. */
  bytes: number
  /** From 1: how often this operation has been asked of this key. */
  attempt: number
}

/**
 * What goes wrong:
 * - `instead`   answers without acting;        `after`  acts, and answers something else;
 * - `lost`      cuts the connection before or after it acted;
 * - `late`      cuts the connection now, and acts after `ms`, or at `releaseLate()`;
 * - `hang`      never acts, never answers;     `slow`   waits first;
 * - `ignore`    overwrites what is there;      `racy`   looks, waits, then writes whatever has come meanwhile;
 * - `bare`      errors come without a body;
 * - `cut-upload`, `cut-download`               the connection ends after so many bytes of the body.
 */
export type Fault =
  | { kind: 'instead' | 'after'; reply: Reply }
  | { kind: 'lost'; when: 'before' | 'after' }
  | { kind: 'late'; ms?: number }
  | { kind: 'hang' | 'ignore' | 'bare' }
  | { kind: 'slow' | 'racy'; ms: number }
  | { kind: 'cut-upload' | 'cut-download'; bytes: number }

/** The first rule that gives a fault decides; undefined: the store works. */
export type FaultRule = (request: FaultRequest) => Fault | undefined

/** The usual ones, by the names that the command line knows. */
export const faults = {
  'lost-before': { kind: 'lost', when: 'before' },
  lost: { kind: 'lost', when: 'after' },
  late: { kind: 'late' },
  'late-200': { kind: 'late', ms: 200 },
  hang: { kind: 'hang' },
  slow: { kind: 'slow', ms: 50 },
  ignore: { kind: 'ignore' },
  racy: { kind: 'racy', ms: 5 },
  bare: { kind: 'bare' },
  'cut-upload': { kind: 'cut-upload', bytes: 100 },
  'cut-download': { kind: 'cut-download', bytes: 100 },
  '200-error': { kind: 'instead', reply: { ...problem(500, 'InternalError'), status: 200 } },
  '301': {
    kind: 'instead',
    reply: {
      ...problem(301, 'PermanentRedirect', 'The bucket must be addressed using another endpoint.'),
      headers: { 'x-amz-bucket-region': 'eu-west-1' },
    },
  },
  '409': { kind: 'instead', reply: problem(409, 'ConditionalRequestConflict') },
  '412-empty': { kind: 'instead', reply: { status: 412 } },
  '500': { kind: 'instead', reply: problem(500, 'InternalError') },
  '500-after': { kind: 'after', reply: problem(500, 'InternalError') },
  '501': { kind: 'instead', reply: problem(501, 'NotImplemented', 'A header you provided is not implemented.') },
  '503': { kind: 'instead', reply: problem(503, 'SlowDown', 'Please reduce your request rate.') },
  denied: { kind: 'instead', reply: problem(403, 'AccessDenied', 'Access Denied') },
  expired: { kind: 'instead', reply: problem(400, 'ExpiredToken', 'The provided token has expired.') },
  skew: { kind: 'instead', reply: problem(403, 'RequestTimeTooSkewed', 'The difference is too large.') },
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof faults

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faults, name)
}

/** Each request meets one of the faults with its probability: the same seed and requests, the same faults. */
export function randomFaults(probabilities: Partial<Record<FaultName, number>>, seed: number): FaultRule {
  const random = seededRandom(seed)
  const entries = Object.entries(probabilities) as [FaultName, number][]
  return () => {
    let left = random.next()
    for (const [name, probability] of entries) {
      left -= probability
      if (left < 0) return faults[name]
    }
    return undefined
  }
}

/** For the first `times` requests that `matches`. */
export function firstTimes(
  times: number,
  fault: Fault,
  matches: (request: FaultRequest) => boolean = () => true,
): FaultRule {
  let left = times
  return (request) => (matches(request) && left-- > 0 ? fault : undefined)
}
