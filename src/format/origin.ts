import { sha256 } from '../base/hash.ts'
import { pathToBytes } from '../base/path-bytes.ts'
import { isIdentity, parseStreamId } from './keys.ts'
import { offsetMax } from './limits.ts'
import { corrupt, decodeRecord, encodeRecord, type Fields, optionalText, textField } from './record.ts'

/**
 * Where a stream came from: JSON in the metadata of the segment at offset 0 and in the seal. Made once, at first sight
 * of the file, and the same in every destination; the first one delivered wins and never changes.
 */
export interface Origin {
  /** The machine's id (/etc/machine-id), where it has one. */
  machine?: string | undefined
  /** As found at first sight, absolute. Bytes that are not UTF-8 are lone surrogates (base/path-bytes.ts). */
  path: string
  /** SHA-256 of the whole path's bytes, only where `path` had to be cut. */
  pathSha256?: string | undefined
  /** Birth and inode, as keys have it. */
  identity: string
  /** Version of the agent that saw it first. */
  agent: string
  labels?: Record<string, string> | undefined
  /** This stream starts again from 0 what `stream` has up to `shared` bytes. */
  forkOf?: { stream: string; shared: number } | undefined
}

/** Leaves room in the 2 KB of user metadata for `final`, `sha256` and their names. */
const originTextMax = 1800

/** At most 1,800 bytes of ASCII: a longer path is cut and carries its SHA-256. Throws `corrupt` where labels alone do not fit. */
export function encodeOrigin(origin: Origin): string {
  const whole = originText(origin)
  if (whole.length <= originTextMax) return whole
  const pathSha256 = origin.pathSha256 ?? sha256(pathToBytes(origin.path))
  let low = 0
  let high = origin.path.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (originText({ ...origin, path: origin.path.slice(0, middle), pathSha256 }).length <= originTextMax) low = middle
    else high = middle - 1
  }
  const cut = originText({ ...origin, path: origin.path.slice(0, low), pathSha256 })
  if (low === 0 || cut.length > originTextMax)
    throw corrupt('origin', `does not fit ${originTextMax} bytes: too many labels`)
  return cut
}

function originText(origin: Origin): string {
  const { machine, path, pathSha256, identity, agent, labels, forkOf } = origin
  return encodeRecord({
    machine,
    path,
    pathSha256,
    identity,
    agent,
    labels,
    forkOf: forkOf && { stream: forkOf.stream, shared: forkOf.shared },
  })
}

/** Rejects with `corrupt` for anything that `encodeOrigin` would not have made. */
export function decodeOrigin(text: string, what = 'origin'): Origin {
  return originFromFields(decodeRecord(text, what), what)
}

export function originFromFields(fields: Fields, what: string): Origin {
  const identity = textField(fields, 'identity', what)
  if (!isIdentity(identity)) throw corrupt(what, '"identity" is not a birth time and an inode')
  const path = textField(fields, 'path', what)
  if (path.includes('\0')) throw corrupt(what, '"path" holds a NUL')
  return dropUndefined({
    machine: optionalText(fields, 'machine', what),
    path,
    pathSha256: optionalText(fields, 'pathSha256', what),
    identity,
    agent: textField(fields, 'agent', what),
    labels: labelsField(fields, what),
    forkOf: forkField(fields, what),
  })
}

function labelsField(fields: Fields, what: string): Record<string, string> | undefined {
  const labels = fields.labels
  if (labels === undefined) return undefined
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    throw corrupt(what, '"labels" is not an object')
  const entries = Object.entries(labels)
  if (entries.some(([, value]) => typeof value !== 'string'))
    throw corrupt(what, '"labels" has a value that is not a string')
  return Object.fromEntries(entries)
}

function forkField(fields: Fields, what: string): Origin['forkOf'] {
  const fork = fields.forkOf
  if (fork === undefined) return undefined
  const { stream, shared } = (typeof fork === 'object' && fork !== null ? fork : {}) as Fields
  const isFork =
    typeof stream === 'string' &&
    parseStreamId(stream) &&
    Number.isSafeInteger(shared) &&
    (shared as number) >= 0 &&
    (shared as number) <= offsetMax
  if (!isFork) throw corrupt(what, '"forkOf" names no stream and length')
  return { stream, shared: shared as number }
}

function dropUndefined(origin: Origin): Origin {
  return Object.fromEntries(Object.entries(origin).filter(([, value]) => value !== undefined)) as unknown as Origin
}
