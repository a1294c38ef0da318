import { LogcaskError } from '../base/errors.ts'
import { generationMax, hostBytesMax, keyBytesMax, offsetDigits, offsetMax } from './limits.ts'

/**
 * Every name that Logcask puts into a bucket (format v1), relative to the destination's prefix. One function builds a
 * kind of key, `parseKey` reads them all; both refuse what the other would not accept, so that a key has one spelling.
 */
export type Key =
  | { kind: 'segment'; host: string; stream: string; offset: number; before: string }
  | { kind: 'seal'; host: string; stream: string; length: number; sha256: string }
  | { kind: 'gap'; host: string; stream: string; offset: number; end: number | 'open' }
  | { kind: 'alias'; host: string; identity: string; stream: string }
  | { kind: 'digest'; host: string; hour: string; agent: string }
  | { kind: 'probe'; host: string; name: string }

export type StreamRoom = 'segments' | 'seals' | 'gaps'

export function segmentKey(host: string, stream: string, offset: number, before: string): string {
  return checked(`segments/${hostName(host)}/${stream}/${digits(offset)}-${before}`)
}

export function sealKey(host: string, stream: string, length: number, sha256: string): string {
  return checked(`seals/${hostName(host)}/${stream}/${digits(length)}-${sha256}`)
}

export function gapKey(host: string, stream: string, offset: number, end: number | 'open'): string {
  return checked(`gaps/${hostName(host)}/${stream}/${digits(offset)}-${end === 'open' ? end : digits(end)}`)
}

export function aliasKey(host: string, identity: string, stream: string): string {
  return checked(`aliases/${hostName(host)}/${identity}/${stream}`)
}

/** `hour` as `hourOf` gives it; `agent` is the id of a state directory. */
export function digestKey(host: string, hour: string, agent: string): string {
  return checked(`digests/${hostName(host)}/${hour}-${agent}`)
}

/** `startAfter` for a listing that begins with the first digest of `hour`. */
export function fromHour(host: string, hour: string): string {
  return `${hostPrefix('digests', host)}${hour}`
}

export function probeKey(host: string, name: string): string {
  return checked(`probes/${hostName(host)}/${name}`)
}

/** `segments/web-1/`: everything of a host in one of the rooms. */
export function hostPrefix(room: StreamRoom | 'aliases' | 'digests' | 'probes', host: string): string {
  return `${room}/${hostName(host)}/`
}

export function streamPrefix(room: StreamRoom, host: string, stream: string): string {
  return `${room}/${hostName(host)}/${stream}/`
}

/** `startAfter` for a listing that begins with the first key at or beyond `offset`: '-' sorts before every hex digit and '.' . */
export function fromOffset(room: StreamRoom, host: string, stream: string, offset: number): string {
  return `${streamPrefix(room, host, stream)}${digits(offset)}`
}

/** The parts of a key, or undefined for a name that no agent would write. Never throws, whatever it is given. */
export function parseKey(key: string): Key | undefined {
  if (key.length > keyBytesMax) return undefined
  const [room, encodedHost, third, fourth, ...rest] = key.split('/')
  if (encodedHost === undefined || third === undefined || rest.length > 0) return undefined
  const host = parseHostName(encodedHost)
  if (host === undefined) return undefined
  if (room === 'probes')
    return fourth === undefined && probePattern.test(third) ? { kind: 'probe', host, name: third } : undefined
  if (room === 'digests') return fourth === undefined ? parseDigest(host, third) : undefined
  if (fourth === undefined) return undefined
  if (room === 'aliases') {
    const target = parseStreamId(fourth)
    return isIdentity(third) && target ? { kind: 'alias', host, identity: third, stream: fourth } : undefined
  }
  if (parseStreamId(third) === undefined) return undefined
  return parseStreamObject(room, host, third, fourth)
}

function parseStreamObject(room: string | undefined, host: string, stream: string, name: string): Key | undefined {
  const number = parseDigits(name.slice(0, offsetDigits))
  if (number === undefined || name[offsetDigits] !== '-') return undefined
  const rest = name.slice(offsetDigits + 1)
  if (room === 'segments')
    return beforePattern.test(rest) ? { kind: 'segment', host, stream, offset: number, before: rest } : undefined
  if (room === 'seals')
    return sha256Pattern.test(rest) ? { kind: 'seal', host, stream, length: number, sha256: rest } : undefined
  if (room !== 'gaps') return undefined
  const end = rest === 'open' ? rest : parseDigits(rest)
  return end !== undefined && (end === 'open' || end > number)
    ? { kind: 'gap', host, stream, offset: number, end }
    : undefined
}

function parseDigest(host: string, name: string): Key | undefined {
  const [, hour, agent] = /^(\d{8}T\d{2}Z)-([0-9a-f]{16})$/.exec(name) ?? []
  if (hour === undefined || agent === undefined || Number.isNaN(hourStart(hour))) return undefined
  return { kind: 'digest', host, hour, agent }
}

// Hours

export const hourMs = 3_600_000

/** `20261120T10Z`: the UTC hour that a moment is in (milliseconds since 1970). */
export function hourOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 13).replaceAll('-', '')}Z`
}

/** Its first millisecond; NaN for an hour that there is not. */
export function hourStart(hour: string): number {
  const [, date = '', time = ''] = /^(\d{8})T(\d{2})Z$/.exec(hour) ?? []
  const ms = Date.parse(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${time}:00:00.000Z`)
  return ms >= 0 && hourOf(ms) === hour ? ms : Number.NaN
}

// Identities and streams

/** 10000-01-01T00:00:00Z: what a file system says beyond it is noise, and has no place in the text. */
const birthEndNs = 253_402_300_800_000_000_000n

/**
 * The identity of a file as evidence E2 knows it: birth time (nanoseconds since 1970; 0, or what no file can have, is
 * unknown) and inode. `20261120T101500123456789Z-1a2b`, or `0-1a2b`.
 */
export function identityOf(birthtimeNs: bigint, inode: bigint): string {
  const isKnown = birthtimeNs > 0n && birthtimeNs < birthEndNs
  return `${isKnown ? birthText(birthtimeNs) : '0'}-${inode.toString(36)}`
}

/** `<identity>` for generation 0, `<identity>.<n>` for the further lives under it. */
export function streamId(identity: string, generation: number): string {
  return generation === 0 ? identity : `${identity}.${generation}`
}

export function parseStreamId(stream: string): { identity: string; generation: number } | undefined {
  const match = /^([^.]+)(?:\.([1-9][0-9]{0,5}))?$/.exec(stream)
  if (match?.[1] === undefined || !isIdentity(match[1])) return undefined
  const generation = match[2] === undefined ? 0 : Number(match[2])
  return generation <= generationMax ? { identity: match[1], generation } : undefined
}

/** `YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ`, or undefined where the birth time is unknown. */
export function birthOfIdentity(identity: string): string | undefined {
  const match = birthPattern.exec(identity)
  return match ? `${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}.${match[7]}Z` : undefined
}

const birthPattern = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(\d{9})Z-/
const identityPattern = /^(?:0|\d{8}T\d{15}Z)-(0|[1-9a-z][0-9a-z]{0,13})$/

export function isIdentity(text: string): boolean {
  if (!identityPattern.test(text)) return false
  const birth = birthOfIdentity(text)
  // A date that does not exist (month 13) has no file behind it, and would have two spellings; so would an unknown one.
  return birth === undefined || (birth !== '1970-01-01T00:00:00.000000000Z' && isRealTime(birth.slice(0, 23)))
}

function isRealTime(toMilliseconds: string): boolean {
  const ms = Date.parse(`${toMilliseconds}Z`)
  return Number.isFinite(ms) && ms >= 0 && new Date(ms).toISOString() === `${toMilliseconds}Z`
}

function birthText(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19).replace(/[-:]/g, '')
  return `${seconds}${(ns % 1_000_000_000n).toString().padStart(9, '0')}Z`
}

// Hosts

/** The host as a key holds it: `[A-Za-z0-9._:-]` as they are, every other byte (and a leading dot) as `=XX`. */
export function hostName(host: string): string {
  const name = [...Buffer.from(host, 'utf8')]
    .map((byte, at) => {
      const character = String.fromCharCode(byte)
      const isPlain = /[A-Za-z0-9._:-]/.test(character) && !(at === 0 && character === '.')
      return isPlain ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
  if (name === '' || name.length > hostBytesMax) {
    throw new LogcaskError(
      'invalid',
      `host ${JSON.stringify(host)}: ${name === '' ? 'is empty' : `is longer than ${hostBytesMax} bytes in a key`}`,
      {
        hint: 'name another with --host, or host: in the configuration',
      },
    )
  }
  return name
}

export function parseHostName(name: string): string | undefined {
  if (name === '' || name.length > hostBytesMax || !/^(?:[A-Za-z0-9._:-]|=[0-9A-F]{2})+$/.test(name)) return undefined
  const bytes = Buffer.from(
    name.replace(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  const host = bytes.toString('utf8')
  return Buffer.from(host, 'utf8').equals(bytes) && hostName(host) === name ? host : undefined
}

// Numbers

const beforePattern = /^[0-9a-f]{16}$/
const sha256Pattern = /^[0-9a-f]{64}$/
const probePattern = /^[a-z0-9][a-z0-9-]{0,99}$/

function digits(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new LogcaskError('internal', `${value} is no offset`)
  return String(value).padStart(offsetDigits, '0')
}

function parseDigits(text: string): number | undefined {
  if (text.length !== offsetDigits || !/^[0-9]+$/.test(text)) return undefined
  const value = Number(text)
  return value <= offsetMax && BigInt(text) === BigInt(value) ? value : undefined
}

function checked(key: string): string {
  if (parseKey(key) === undefined) throw new LogcaskError('internal', `built a key that cannot be read back: ${key}`)
  return key
}
