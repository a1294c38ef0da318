import { closest } from '../base/closest.ts'
import { LogcaskError } from '../base/errors.ts'
import { keyName } from './key-name.ts'
import { periodIn } from './period.ts'
import type { Encoding } from './whole.ts'

/** What a file's name in a bucket is made of. */
export interface NameFacts {
  /** Absolute, as base/path-bytes.ts makes them. */
  path: string
  /** Last change, milliseconds since 1970. */
  modifiedMs: number
  host: string
  /** The source's name. */
  source: string
  labels: Readonly<Record<string, string>>
}

const names = ['filename', 'path', 'prefix', 'year', 'month', 'day', 'hour', 'host', 'name'] as const
type Name = (typeof names)[number]
/** What another look at the same file would give otherwise. */
const fleeting = ['time', 'atime', 'ctime']
const labelPrefix = 'labels.'

/**
 * Throws `invalid`, with what to write instead, for a template that could not name every file of a source once and for
 * all, or that would lead out of the destination's prefix.
 */
export function checkNameTemplate(template: string, labels: Readonly<Record<string, string>> = {}): void {
  const refuse = (problem: string, hint: string): never => {
    throw new LogcaskError('invalid', `${template === '' ? 'the template' : template}: ${problem}`, { hint })
  }
  if (template === '') refuse('is empty', 'write for example {prefix}/{year}/{month}/{day}/{filename}')
  const held = new Set<string>()
  for (const [whole, name = ''] of template.matchAll(/\{([^{}]*)\}|[{}]/g)) {
    if (whole.length === 1) refuse(`holds a ${whole} that stands alone`, `write it as ${balanced(template)}`)
    if (fleeting.includes(name))
      refuse(
        `{${name}} is another at every look: the same file would be stored again and again`,
        'leave it out; {year} to {hour} are of the period in the name, or else of the last change',
      )
    if (name.startsWith(labelPrefix)) requireLabel(whole, name.slice(labelPrefix.length), labels, refuse)
    else if (!names.some((known) => known === name))
      refuse(`${whole} stands for nothing${meant(name)}`, `there are ${shown}`)
    held.add(name)
  }
  if (!held.has('filename') && !held.has('path'))
    refuse(
      'holds neither {filename} nor {path}: all files would have one name',
      `end it with {filename}, as in ${template.replace(/\/+$/, '')}/{filename}`,
    )
  // Substitutions are never empty, and never a dot or two: what is left is what the template itself says.
  const parts = template.replace(/\{[^{}]*\}/g, 'x').split('/')
  if (parts.some((part) => part === '.' || part === '..'))
    refuse('leads out of the prefix, or nowhere', 'leave out the parts . and ..')
  if (parts.some((part) => part === ''))
    refuse('has an empty part', 'no / at the beginning or the end, and no two of them together')
  const odd = /[^A-Za-z0-9._:=+@,~ /-]/.exec(template.replace(/\{[^{}]*\}/g, ''))?.[0]
  if (odd !== undefined)
    refuse(
      `holds ${JSON.stringify(odd)}, which not every store takes in a name`,
      'use A-Z a-z 0-9 . _ : = + @ , ~ - and spaces',
    )
  requireOwnRoom(template.replace(/\{[^{}]*\}/g, 'x').split('/')[0] ?? '', template)
}

const shown = `${names.map((name) => `{${name}}`).join(' ')} and {labels.NAME}`

function meant(name: string): string {
  const near = closest(name, [...names, 'labels'])
  if (/^labels?:/.test(name)) return ` (did you mean {labels.${name.slice(name.indexOf(':') + 1)}}?)`
  return near === undefined ? '' : ` (did you mean {${near === 'labels' ? 'labels.NAME' : near}}?)`
}

function requireLabel(
  whole: string,
  label: string,
  labels: Readonly<Record<string, string>>,
  refuse: (problem: string, hint: string) => never,
): void {
  if (Object.hasOwn(labels, label)) return
  const known = Object.keys(labels)
  const near = closest(label, known)
  refuse(
    `${whole}: the source has no label ${label}${near ? ` (did you mean ${near}?)` : ''}`,
    known.length > 0 ? `there are ${known.join(', ')}` : `set it: labels: { ${label || 'service'}: … }`,
  )
}

/** logjam's own manual has `{month}{/{day}`. */
function balanced(template: string): string {
  return template.replace(/\{(?![A-Za-z_.]+\})/g, '').replace(/(\{[A-Za-z_.]+\})|\}/g, '$1')
}

const ownRooms = ['segments', 'seals', 'gaps', 'aliases', 'digests', 'probes']

/** Whether streams and what belongs to them are kept below this first part of a key. */
export function isOwnRoom(first: string): boolean {
  return ownRooms.includes(first)
}

function requireOwnRoom(first: string, name: string): void {
  if (!isOwnRoom(first)) return
  throw new LogcaskError('invalid', `${name}: ${first}/ is where streams are kept`, {
    hint: 'begin the template with a directory of its own, as in files/{filename}',
  })
}

/** Compressed once more it would be larger, and two decoders away. */
const packedAlready = /\.(gz|tgz|zst|xz|txz|bz2|lz4|br|zip|7z)$/i
const endings: Readonly<Record<Encoding, string>> = { none: '', gzip: '.gz', zstd: '.zst' }

/** How a file is stored by a source that compresses so. */
export function encodingOf(path: string, compress: Encoding): Encoding {
  return packedAlready.test(path) ? 'none' : compress
}

/** The key of a file as it is stored, its compressor's ending included. Throws as `nameOf` does. */
export function storedName({ as, compress }: { as: string; compress: Encoding }, facts: NameFacts): string {
  return nameOf(as, facts) + endings[encodingOf(facts.path, compress)]
}

/** The key of a file below the destination's prefix. Throws `invalid` where it has none. */
export function nameOf(template: string, facts: NameFacts): string {
  const base = facts.path.slice(facts.path.lastIndexOf('/') + 1)
  const period = periodIn(base)
  const at = new Date(period?.startMs ?? facts.modifiedMs).toISOString()
  const values: Record<Name, () => string> = {
    filename: () => base,
    path: () => facts.path.replace(/^\/+/, ''),
    prefix: () => prefixOf(base, period?.at) || facts.source,
    year: () => at.slice(0, at.indexOf('-', 1)),
    month: () => at.slice(-19, -17),
    day: () => at.slice(-16, -14),
    hour: () => at.slice(-13, -11),
    host: () => facts.host,
    name: () => facts.source,
  }
  const parts: string[] = ['']
  const add = (text: string): void => {
    parts.push(`${parts.pop()}${text}`)
  }
  for (const [piece, name] of template.matchAll(/\{([^{}]*)\}|[^{}/]+|\//g)) {
    if (piece === '/') parts.push('')
    else if (name === undefined) add(piece)
    else if (name === 'path') {
      const [first = '', ...more] = values.path().split('/')
      add(first)
      parts.push(...more)
    } else if (name.startsWith(labelPrefix)) add(flat(facts.labels[name.slice(labelPrefix.length)] ?? ''))
    else add(flat(values[name as Name]()))
  }
  const key = keyName(parts)
  requireOwnRoom(key.split('/')[0] ?? '', key)
  return key
}

/** A value stays within its part of the name. */
function flat(text: string): string {
  return text.replaceAll('/', '_')
}

/** logjam's: what stands before the timestamp; without one, what stands before the first dot. */
function prefixOf(base: string, at: number | undefined): string {
  const before =
    at === undefined ? base.slice(0, base.indexOf('.') < 0 ? base.length : base.indexOf('.')) : base.slice(0, at)
  return before.replace(/[^A-Za-z0-9]+$/, '')
}
