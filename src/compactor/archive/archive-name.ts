import { sha256 } from '../../base/hash.ts'
import { pathToBytes } from '../../base/path-bytes.ts'
import { expandTemplate } from '../../base/template.ts'
import { birthOfIdentity, hostName, parseStreamId } from '../../format/keys.ts'
import { keyBytesMax } from '../../format/limits.ts'
import type { Origin } from '../../format/origin.ts'
import type { Encoding } from '../../format/whole.ts'
import { isOwnRoom } from '../../format/whole-name.ts'
import { checkNames, originNames, originValue, refuseTemplate } from '../origin-names.ts'

/** Partitions as Athena, Spark and DuckDB know them. */
export const defaultArchiveTemplate = 'host={host}/date={date}/{filename}'

const ownNames = ['host', 'stream', 'length', 'date'] as const
/** Those whose value may hold a '/' of its own. */
const deep: readonly string[] = ['path', 'directory', 'name']

/** What an object's name is made of. */
export interface ArchivedFacts {
  host: string
  stream: string
  origin: Origin
  /** Raw bytes. */
  length: number
  encoding: Encoding
  isSealed: boolean
}

/**
 * Throws `invalid`, with what to write instead, for a template that could give two hosts' files one name, or hide a
 * host's files from a listing of its own.
 */
export function checkArchiveTemplate(template: string): void {
  const refuse = (problem: string, hint: string): never => refuseTemplate(template, problem, hint)
  const held = checkNames(template, [...ownNames, ...originNames])
  const [first = ''] = held
  const part = template.split('/').find((one) => /\{/.test(one)) ?? ''
  if (first !== 'host' || !/^[^{}]*\{host\}[^{}]*$/.test(part))
    refuse(
      'must hold {host} before all other names, in a part of its own',
      `write for example ${defaultArchiveTemplate}`,
    )
  const fixed = template.replace(/\{[^{}]*\}/g, 'x').split('/')
  if (fixed.some((one) => one === '' || one.startsWith('.')))
    refuse('has a part that is empty or begins with a dot', 'leave it out')
  const odd = /[^A-Za-z0-9._:=+@,~ /-]/.exec(template.replace(/\{[^{}]*\}/g, ''))?.[0]
  if (odd !== undefined)
    refuse(`holds ${JSON.stringify(odd)}, which not every store takes`, 'use A-Z a-z 0-9 . _ : = + @ , ~ - and spaces')
  const [top = ''] = template.split('/')
  if (isOwnRoom(top)) refuse(`${top}/ is where streams are kept`, `begin with another part: files/${template}`)
}

/** What the names of all of a host's objects begin with. */
export function archivePrefix(template: string, host: string): string {
  const at = template.indexOf('{host}')
  const end = template.indexOf('/', at)
  const whole = template.slice(0, end < 0 ? template.length : end).replace('{host}', hostName(host))
  return end < 0 ? `${whole}~` : `${whole}/`
}

/** NAME_MAX, which the embedded store has to keep. */
const partBytesMax = 255
/** A prefix of the archive fits beside it. */
const nameBytesMax = keyBytesMax - 256
const endings: Readonly<Record<Encoding, string>> = { none: '', gzip: '.gz', zstd: '.zst' }

/**
 * The key of a stream's object: the template, then always `~<stream>-<length>`, `.unsealed` where no seal speaks of that
 * length, and the compressor's ending. A pure function of the stream. Injective: the host has its part at a fixed place,
 * and behind the last '~' are stream and length, whatever a host has written into its origin.
 */
export function archiveName(template: string, facts: ArchivedFacts): string {
  const { stream, length, encoding, isSealed } = facts
  const suffix = `~${stream}-${length}${isSealed ? '' : '.unsealed'}${endings[encoding]}`
  const parts = partsOf(template, facts)
  const last = cut(parts.pop() ?? '', partBytesMax - suffix.length)
  const directories = parts.map((part) => cut(part, partBytesMax))
  const whole = [...directories, `${last}${suffix}`].join('/')
  if (whole.length <= nameBytesMax) return whole
  const fixed = template.slice(0, template.indexOf('{host}')).split('/').length
  const mark = `=long-${sha256(Buffer.from(parts.join('/'))).slice(0, 32)}`
  return [...directories.slice(0, fixed), mark, `${last}${suffix}`].join('/')
}

/** What a key of the archive says of its object; undefined for a name that no compactor would write. */
export function parseArchiveName(
  key: string,
): Pick<ArchivedFacts, 'stream' | 'length' | 'isSealed' | 'encoding'> | undefined {
  const match = /~([^~/]+)-(0|[1-9][0-9]{0,15})(\.unsealed)?(\.gz|\.zst)?$/.exec(key)
  const [, stream = '', digits = '', unsealed, ending] = match ?? []
  const length = Number(digits)
  if (parseStreamId(stream) === undefined || !Number.isSafeInteger(length)) return undefined
  const encoding = ending === undefined ? 'none' : ending === '.gz' ? 'gzip' : 'zstd'
  return { stream, length, isSealed: unsealed === undefined, encoding }
}

function partsOf(template: string, { host, stream, origin, length }: ArchivedFacts): string[] {
  const birth = birthOfIdentity(parseStreamId(stream)?.identity ?? '')
  const own: Readonly<Record<(typeof ownNames)[number], string>> = {
    host: hostName(host),
    stream,
    length: String(length),
    date: birth?.slice(0, 10) ?? '',
  }
  const substitute = (name: string): string => {
    // Spelt in one way already.
    if (name === 'host') return own.host
    const value = (own[name as keyof typeof own] ?? originValue(origin, birth, name)) || 'none'
    const pieces = deep.includes(name) ? value.split('/').filter((piece) => piece !== '') : [value]
    return pieces.map(escaped).join('/') || 'none'
  }
  return expandTemplate(template, substitute)
    .split('/')
    .map((part) => part.replace(/^\./, '=2E'))
}

/** What is not in every store's names, and '=', as `=XX` for each byte. */
function escaped(text: string): string {
  return [...text]
    .map((character) =>
      /^[A-Za-z0-9._:+@,~ -]$/.test(character)
        ? character
        : [...pathToBytes(character)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    )
    .join('')
}

function cut(part: string, bytesMax: number): string {
  if (part.length <= bytesMax) return part
  return `${part.slice(0, bytesMax - 17)}=${sha256(Buffer.from(part)).slice(0, 16)}`
}
