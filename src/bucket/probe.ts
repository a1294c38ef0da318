import { type Clock, isoTime } from '../base/clock.ts'
import { isCode, LogcaskError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { probeKey } from '../format/keys.ts'
import { decodeRecord, encodeRecord } from '../format/record.ts'
import {
  checkCreate,
  checkDuplicate,
  checkList,
  checkRace,
  checkRead,
  type Finding,
  judged,
  put,
  type Subject,
  unknown,
} from './probe-checks.ts'

export type { Check, Finding } from './probe-checks.ts'

export interface ProbeReport {
  passed: boolean
  /** A former probe of this host had passed: only a duplicate was tried. */
  remembered: boolean
  findings: Finding[]
}

/** Writers and rounds of the race. The stores that lose a race lose most of them (facts/s3.md section 2). */
const smallRace = { writers: 8, rounds: 3 }
const fullRace = { writers: 20, rounds: 10 }

/**
 * Whether this store creates only, and does what a writer needs: to be passed before the first byte goes there. Writes
 * under `probes/<host>/` only; nothing of it is ever deleted, so a verdict that passed stays under a fixed key and makes
 * the next probe one duplicate. `full` (for `doctor`) tries everything, whatever was remembered. Each `encryption` has a
 * verdict of its own: what is written with another key may be unreadable. Rejects where nothing was decided (`unavailable`,
 * aborted).
 */
export async function probe(
  bucket: Subject['bucket'],
  options: {
    host: string
    clock: Clock
    signal?: AbortSignal | undefined
    full?: boolean
    encryption?: string | undefined
  },
): Promise<ProbeReport> {
  const { host, clock, signal, full = false, encryption } = options
  const subject: Subject = { bucket, host, clock, signal }
  const key = probeKey(
    host,
    encryption === undefined ? 'verdict' : `verdict-${sha256(Buffer.from(encryption)).slice(0, 8)}`,
  )
  const verdict = full ? undefined : await readVerdict(subject, key)
  if (verdict !== undefined) {
    const finding = await judged('duplicate', () => checkDuplicate(subject, key, verdict, overwrittenVerdict(clock)))
    return reportOf([finding], true)
  }
  const report = reportOf(await checkAll(subject, full ? fullRace : smallRace), false)
  if (report.passed) await leaveVerdict(subject, key)
  return report
}

/**
 * Throws `refused` with what was seen, and what to do, unless the probe passed. `url` is the bucket's own; `doctor` is how
 * the store is named to `logcask doctor`, as a shell takes it.
 */
export function requirePassed(report: ProbeReport, url: string, doctor = url): void {
  if (report.passed) return
  const worst =
    report.findings.find(({ state }) => state === 'failed') ?? report.findings.find(({ state }) => state !== 'ok')
  const seen = worst?.seen ?? 'the probe found nothing'
  // What the store's own errors begin with.
  const place = `${url}: `
  const closer = `look closer: logcask doctor ${doctor}`
  throw new LogcaskError('refused', `${place}nothing was sent: ${seen.replace(place, '')}`, {
    hint: worst?.fix === undefined ? closer : `${worst.fix}; ${closer}`,
  })
}

async function checkAll(subject: Subject, race: { writers: number; rounds: number }): Promise<Finding[]> {
  const id = subject.clock.id(8)
  const key = probeKey(subject.host, `create-${id}`)
  const body = `logcask probe ${id}: created once\n`
  const create = await judged('create', () => checkCreate(subject, key, body))
  if (create.state !== 'ok') {
    const why = 'not tried: nothing could be created'
    return [create, unknown('read', why), unknown('duplicate', why), unknown('list', why), unknown('race', why)]
  }
  const read = await judged('read', () => checkRead(subject, key, body))
  const list = await judged('list', () => checkList(subject, key, body))
  if (read.state !== 'ok') {
    const why = 'not tried: what is stored could not be read back to compare'
    return [create, read, unknown('duplicate', why), list, unknown('race', why)]
  }
  const second = `logcask probe ${id}: overwritten, which must not happen\n`
  const duplicate = await judged('duplicate', () => checkDuplicate(subject, key, body, second))
  if (duplicate.state !== 'ok')
    return [create, read, duplicate, list, unknown('race', 'not tried: a duplicate was not refused')]
  return [create, read, duplicate, list, await judged('race', () => checkRace(subject, id, race.writers, race.rounds))]
}

function reportOf(findings: Finding[], remembered: boolean): ProbeReport {
  return { passed: findings.every(({ state }) => state === 'ok'), remembered, findings }
}

/** The stored verdict of a probe that passed, else undefined. */
async function readVerdict({ bucket, signal }: Subject, key: string): Promise<string | undefined> {
  try {
    const found = await bucket.get(key, { signal })
    // More versions than one: somebody has been here, and the whole probe is due again.
    if (found === undefined || found.versions > 1) return undefined
    const text = Buffer.from(found.body).toString()
    return decodeRecord(text, key).passed === true ? text : undefined
  } catch (error) {
    // Refused: a policy that allows LIST below our prefix only makes S3 answer 403 for a key that is not there. The
    // checks say what is really missing.
    if (isCode(error, 'refused', 'corrupt')) return undefined
    throw error
  }
}

async function leaveVerdict(subject: Subject, key: string): Promise<void> {
  const verdict = encodeRecord({ passed: true, at: isoTime(subject.clock.now()) })
  await put(subject, key, verdict)
}

/** What a store that overwrites is left with: no verdict that passed. */
function overwrittenVerdict(clock: Clock): string {
  return encodeRecord({ passed: false, at: isoTime(clock.now()) })
}
