import { isoTime } from '../base/clock.ts'
import { isCode } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { probeKey } from '../format/keys.ts'
import { decodeRecord, encodeRecord } from '../format/record.ts'
import type { PutLargeOptions, PutResult } from './bucket.ts'
import type { LargeBody } from './large-body.ts'
import { put, type Subject } from './probe-checks.ts'

/** The stores that lose a race of completions lose most of them (facts/s3.md section 2.2: LocalStack, moto). */
const race = { writers: 4, rounds: 2 }

/**
 * How this store may be given large bodies: in parts only where it was seen to refuse their completion over what is there,
 * one after the other and in a race. Writes under `probes/<host>/`; what it found stays there, so that the next time is one
 * duplicate. To be asked before the first large body, not before: most destinations never see one.
 */
export async function largeWay(subject: Subject): Promise<PutLargeOptions['way']> {
  const key = probeKey(subject.host, 'large')
  const verdict = await readVerdict(subject, key)
  if (verdict?.parts === false) return 'one'
  try {
    if (verdict !== undefined) return (await isRefused(subject, key, verdict.text)) ? 'parts' : 'one'
    const parts = await passes(subject)
    await put(subject, key, encodeRecord({ parts, at: isoTime(subject.clock.now()) }))
    return parts ? 'parts' : 'one'
  } catch (error) {
    // No right to uploads in parts, or none of them (501): one request is the usual right.
    if (isCode(error, 'refused')) return 'one'
    throw error
  }
}

async function readVerdict(
  { bucket, signal }: Subject,
  key: string,
): Promise<{ parts: boolean; text: string } | undefined> {
  const found = await bucket.get(key, { signal })
  if (found === undefined || found.versions > 1) return undefined
  const text = Buffer.from(found.body).toString()
  try {
    return { parts: decodeRecord(text, key).parts === true, text }
  } catch (error) {
    if (isCode(error, 'corrupt')) return { parts: false, text }
    throw error
  }
}

async function passes(subject: Subject): Promise<boolean> {
  const id = subject.clock.id(8)
  const key = probeKey(subject.host, `large-${id}`)
  const body = `logcask probe ${id}: created once\n`
  await put(subject, key, body)
  return (await isRefused(subject, key, body)) && (await hasOneWinner(subject, id))
}

/** An upload over `key`, which is there with `body`, is refused, and changes nothing. */
async function isRefused(subject: Subject, key: string, body: string): Promise<boolean> {
  const answer = await putParts(subject, key, `logcask probe: completed over ${key}, which must not happen\n`)
  const after = await subject.bucket.get(key, { signal: subject.signal })
  return answer === 'exists' && after !== undefined && Buffer.from(after.body).toString() === body
}

async function hasOneWinner(subject: Subject, id: string): Promise<boolean> {
  for (let round = 0; round < race.rounds; round++) {
    const key = probeKey(subject.host, `large-race-${id}-${round}`)
    const bodies = Array.from({ length: race.writers }, (_, writer) => `logcask probe ${id}: ${round}, ${writer}\n`)
    const answers = await Promise.all(bodies.map((body) => putParts(subject, key, body)))
    const winners = bodies.filter((_, writer) => answers[writer] === 'created')
    const after = await subject.bucket.get(key, { signal: subject.signal })
    const isWhole = after !== undefined && bodies.includes(Buffer.from(after.body).toString())
    // None, where the winner's answer was lost.
    if (!isWhole || winners.length > 1) return false
    if (winners.length === 1 && Buffer.from(after.body).toString() !== winners[0]) return false
  }
  return true
}

function putParts({ bucket, signal }: Subject, key: string, text: string): Promise<PutResult> {
  const bytes = Buffer.from(text)
  const body: LargeBody = {
    size: bytes.length,
    sha256: sha256(bytes),
    read: async (start, end) => bytes.subarray(start, end),
  }
  return bucket.putLarge(key, body, { mode: 'create', way: 'parts', signal })
}
