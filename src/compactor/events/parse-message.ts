import { parseKey } from '../../format/keys.ts'
import { keyBytesMax, offsetMax, segmentBytesMax } from '../../format/limits.ts'
import type { StreamHint } from './hint.ts'

/** Where the objects are that messages are to speak of. */
export interface EventPlace {
  bucket: string
  /** '' or ends in '/'. */
  prefix: string
}

export interface SpokenOf extends StreamHint {
  host: string
  stream: string
}

/**
 * - `hints`   what is said to be there now; empty where nothing of it is ours to look at (a removal, a digest, others' keys);
 * - `test`    what S3 sends when a notification is set up;
 * - `foreign` of another bucket: somebody has set up the notification wrongly;
 * - `poison`  nobody can say what it means.
 */
export type ParsedMessage =
  | { kind: 'hints'; hints: SpokenOf[] }
  | { kind: 'test' }
  | { kind: 'foreign'; bucket: string }
  | { kind: 'poison'; why: string }

/** S3 puts one record into a message, others a few. */
const recordsMax = 100
/** EventBridge in SNS in SQS is two. */
const envelopesMax = 3

/** What the body of a message says. Pure, and never throws, whatever it is given (I9). */
export function parseMessage(body: string, place: EventPlace): ParsedMessage {
  let content = parseJson(body)
  for (let depth = 0; depth < envelopesMax; depth++) {
    const inner = isObject(content) && typeof content.Message === 'string' ? parseJson(content.Message) : undefined
    if (inner === undefined) break
    content = inner
  }
  if (!isObject(content)) return { kind: 'poison', why: 'is no JSON object' }
  if (isTest(content)) return { kind: 'test' }
  const objects = Array.isArray(content.Records) ? content.Records.map(objectOfRecord) : [objectOfDetail(content)]
  if (objects.length > recordsMax) return { kind: 'poison', why: `has more than ${recordsMax} records` }
  const known = objects.filter((one) => one !== undefined)
  if (known.length < objects.length) return { kind: 'poison', why: 'is no event of S3, SNS or EventBridge' }
  const other = known.find(({ bucket }) => bucket !== place.bucket)
  if (other !== undefined && known.every(({ bucket }) => bucket !== place.bucket))
    return { kind: 'foreign', bucket: other.bucket }
  const hints = known
    .filter(({ bucket, isCreated }) => bucket === place.bucket && isCreated)
    .map(({ names, size }) => hintOf(names, size, place.prefix))
  return { kind: 'hints', hints: hints.filter((hint) => hint !== undefined) }
}

interface EventObject {
  bucket: string
  isCreated: boolean
  /** What the key may be: senders escape it in different ways. */
  names: readonly string[]
  size: number
}

/** AWS, MinIO and Ceph; each writes the event's name and the key a little differently. */
function objectOfRecord(record: unknown): EventObject | undefined {
  if (!isObject(record) || !isObject(record.s3) || typeof record.eventName !== 'string') return undefined
  const { bucket, object } = record.s3
  if (!isObject(bucket) || !isObject(object)) return undefined
  return eventObject(bucket, object, /^(?:s3:)?ObjectCreated:/.test(record.eventName))
}

function objectOfDetail(event: Record<string, unknown>): EventObject | undefined {
  const { source, detail } = event
  const type = event['detail-type']
  if (typeof source !== 'string' || typeof type !== 'string' || !isObject(detail)) return undefined
  const { bucket, object } = detail
  if (!isObject(bucket) || !isObject(object)) return undefined
  return eventObject(bucket, object, type === 'Object Created')
}

function eventObject(
  bucket: Record<string, unknown>,
  object: Record<string, unknown>,
  isCreated: boolean,
): EventObject | undefined {
  const { key, size } = object
  if (typeof bucket.name !== 'string' || typeof key !== 'string') return undefined
  // A length that no segment has promises nothing: the listing will tell.
  const isSize = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 && size <= segmentBytesMax
  return { bucket: bucket.name, isCreated, names: namesOf(key), size: isSize ? size : 0 }
}

/** AWS and moto write a form's escapes (`+` is a space), LocalStack a URL's, EventBridge and ministack none. */
function namesOf(key: string): string[] {
  // Escaped, each byte takes three characters.
  if (key.length > 3 * keyBytesMax) return []
  return [key, unescaped(key), unescaped(key.replaceAll('+', ' '))].filter((name) => name !== undefined)
}

function unescaped(key: string): string | undefined {
  try {
    return decodeURIComponent(key)
  } catch {
    return undefined
  }
}

function hintOf(names: readonly string[], size: number, prefix: string): SpokenOf | undefined {
  for (const name of names) {
    const key = name.startsWith(prefix) ? parseKey(name.slice(prefix.length)) : undefined
    if (key === undefined) continue
    const none = { segmentsEnd: 0, segments: [], isBegun: false, isSealed: false, hasGap: false }
    if (key.kind === 'segment') {
      const { host, stream, offset, before } = key
      const segments = size > 0 && offset + size <= offsetMax ? [{ offset, before, length: size }] : []
      // At least one byte behind its offset, whatever was said of its size.
      const segmentsEnd = Math.min(offset + Math.max(1, size), offsetMax)
      return { ...none, host, stream, segmentsEnd, segments, isBegun: offset === 0 }
    }
    if (key.kind === 'seal') return { ...none, host: key.host, stream: key.stream, isSealed: true }
    if (key.kind === 'gap') return { ...none, host: key.host, stream: key.stream, hasGap: true }
    return undefined
  }
  return undefined
}

function isTest({ Event, Records }: Record<string, unknown>): boolean {
  return Event === 's3:TestEvent' && Records === undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
