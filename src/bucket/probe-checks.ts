import type { Clock } from '../base/clock.ts'
import { isCode } from '../base/errors.ts'
import { backoffMs } from '../base/retry.ts'
import { probeKey } from '../format/keys.ts'
import type { Metadata } from '../format/segment.ts'
import { type Bucket, listObjects, type PutResult } from './bucket.ts'

export type Check = 'create' | 'read' | 'duplicate' | 'list' | 'race'

export interface Finding {
  check: Check
  /** `unknown`: it could not be tried, because of what another check found. */
  state: 'ok' | 'failed' | 'unknown'
  seen: string
  /** What to do, where it failed. */
  fix?: string
}

/** What every check works on. */
export interface Subject {
  bucket: Bucket
  host: string
  clock: Clock
  signal: AbortSignal | undefined
}

/** Stores that passed (facts/s3.md): what to use instead of one that does not. */
export const otherStore =
  'use a store that creates only: AWS S3, MinIO, Ceph RGW (unversioned bucket), versitygw ≥ 1.8, or a directory (file://)'

export function ok(check: Check, seen: string): Finding {
  return { check, state: 'ok', seen }
}

export function failed(check: Check, seen: string, fix: string): Finding {
  return { check, state: 'failed', seen, fix }
}

export function unknown(check: Check, seen: string): Finding {
  return { check, state: 'unknown', seen }
}

/** A refusal is a finding, with its remedy. All else that a store may say decides nothing, and goes up. */
export async function judged(check: Check, work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work()
  } catch (error) {
    if (!isCode(error, 'refused')) throw error
    const isMissing = /\b501\b|NotImplemented/.test(error.message)
    return failed(
      check,
      error.message,
      isMissing ? otherStore : (error.hint ?? 'allow it, or name another destination'),
    )
  }
}

/** What the segment at offset 0 needs: JSON in the metadata, and quotes, spaces and escapes that come back as they went. */
const metadata: Metadata = { origin: '{"v":1,"path":"/var/log/a  b \\"c\\", \\u00e9; d=e"}' }

const attemptsMax = 6
/** Quick: the others of the race wait. A 409 in a race (CoreWeave) is answered 412 the next time. */
const backoff = { baseMs: 50, capMs: 2_000 }
/** A store that hangs costs the time of one request, not of six. */
const patienceMs = 10_000

/**
 * Asks again, some times, where nobody knows what happened: a probe is many requests, and would never end on a store that
 * loses a third of them. `wasUnknown`: an answer was lost before, so `exists` may be our own doing.
 */
export async function put(
  subject: Subject,
  key: string,
  body: string,
  more: { metadata?: Metadata } = {},
): Promise<{ answer: PutResult; wasUnknown: boolean }> {
  const { bucket, clock, signal } = subject
  const sinceMs = clock.monotonic()
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await bucket.put(key, Buffer.from(body), { mode: 'create', signal, ...more })
      return { answer, wasUnknown: attempt > 0 }
    } catch (error) {
      const isOver = attempt + 1 >= attemptsMax || clock.monotonic() - sinceMs > patienceMs
      if (isOver || !isCode(error, 'unavailable')) throw error
      await clock.sleep(backoffMs(backoff, attempt, clock), signal)
    }
  }
}

export async function checkCreate(subject: Subject, key: string, body: string): Promise<Finding> {
  const { answer, wasUnknown } = await put(subject, key, body, { metadata })
  // Whose it is, where the first answer was lost, the check that reads it back tells.
  return answer === 'created' || wasUnknown
    ? ok('create', 'a new key was created')
    : failed('create', `a PUT of the new key ${key} was answered 'exists'`, otherStore)
}

export async function checkRead(subject: Subject, key: string, body: string): Promise<Finding> {
  const { bucket, signal } = subject
  const whole = await bucket.get(key, { signal })
  if (whole === undefined) return failed('read', `${key}: was created, and is not there`, otherStore)
  if (Buffer.from(whole.body).toString() !== body)
    return failed('read', `${key}: came back with other bytes than it was created with`, otherStore)
  if (whole.metadata.origin !== metadata.origin)
    return failed('read', `${key}: came back with other metadata than it was created with`, otherStore)
  const part = await bucket.get(key, { range: { start: 3, end: 9 }, signal })
  return part !== undefined && Buffer.from(part.body).toString() === body.slice(3, 9)
    ? ok('read', 'body, metadata and a range came back as they were sent')
    : failed('read', `${key}: a range of it came back with other bytes than were asked for`, otherStore)
}

/** A second PUT of a key must be answered `exists`, and the body must be the first one: the answer alone proves nothing. */
export async function checkDuplicate(subject: Subject, key: string, body: string, second: string): Promise<Finding> {
  const { answer } = await put(subject, key, second)
  const after = await subject.bucket.get(key, { signal: subject.signal })
  const isUnchanged = after !== undefined && Buffer.from(after.body).toString() === body
  if (answer === 'exists' && isUnchanged) return ok('duplicate', 'a second PUT was refused, body unchanged')
  const change = isUnchanged ? 'the body did not change' : after ? 'the body changed' : 'the object is gone'
  return failed(
    'duplicate',
    answer === 'created'
      ? `a second PUT of the same key was answered 'created' and ${change}: this store ignores If-None-Match`
      : `a second PUT of the same key was answered 'exists', but ${change}`,
    otherStore,
  )
}

export async function checkList(subject: Subject, key: string, body: string): Promise<Finding> {
  const listed = await listObjects(subject.bucket, key, { signal: subject.signal })
  const isRight = listed.length === 1 && listed[0]?.key === key && listed[0].size === body.length
  return isRight
    ? ok('list', 'a new key is listed at once')
    : failed('list', `${key}: was created, and a listing shows ${listed.length || 'nothing'} there`, otherStore)
}

/** Of several creators of one key, one must win, and the body must be its own. */
export async function checkRace(subject: Subject, id: string, writers: number, rounds: number): Promise<Finding> {
  for (let round = 0; round < rounds; round++) {
    const key = probeKey(subject.host, `race-${id}-${round}`)
    const bodies = Array.from({ length: writers }, (_, writer) => raceBody(id, round, writer))
    const answers = await Promise.all(bodies.map((body) => put(subject, key, body)))
    const winners = bodies.filter((_, writer) => answers[writer]?.answer === 'created')
    // Without a winner, it was one whose first answer was lost.
    const candidates = winners.length > 0 ? winners : bodies.filter((_, writer) => answers[writer]?.wasUnknown)
    const after = await subject.bucket.get(key, { signal: subject.signal })
    const body = after && Buffer.from(after.body).toString()
    if (winners.length > 1) return failed('race', `${winners.length} of ${writers} creators of one key won`, otherStore)
    if (body === undefined || !candidates.includes(body))
      return failed('race', `after a race of ${writers} the body is not the winner's`, otherStore)
  }
  return ok('race', `${writers}-way race × ${rounds}: one winner each`)
}

/** 16 KiB, no two alike anywhere: large enough that writers overlap, and that a mixture shows. */
function raceBody(id: string, round: number, writer: number): string {
  return `logcask probe ${id}, round ${round}, writer ${String(writer).padStart(2, '0')}\n`.repeat(512).slice(0, 16_384)
}
