import { hash } from 'node:crypto'
import { pathForPeople, pathToBytes } from '../base/path-bytes.ts'
import { hostName } from '../format/keys.ts'

/**
 * Where a stream is published, relative to the sink: `<host>/<directories>/<name>~<stream>`, with '/' between the parts.
 * A pure function of host, stream and the path in its origin. Injective, because a host's name and a stream's id are
 * each spelt in one way, and no directory holds a '~'. Whatever a host writes, the answer is below its own directory,
 * can be created, and moves no terminal's cursor. Case is kept.
 */
export function publishedName(host: string, stream: string, path: string): string {
  const parts = path.split('/').filter((part) => part !== '')
  const last = parts.pop() ?? ''
  const suffix = `~${stream}`
  const name = `${cut(escaped(last), nameBytesMax - suffix.length)}${suffix}`
  const directories = parts.map((part) => cut(dotless(escaped(part).replaceAll('~', '=7E')), nameBytesMax))
  const whole = [hostName(host), ...directories, name].join('/')
  if (directories.length <= directoriesMax && Buffer.byteLength(whole) <= pathBytesMax) return whole
  return [hostName(host), `=long-${hash('sha256', pathToBytes(path), 'hex').slice(0, 32)}`, name].join('/')
}

/** NAME_MAX of every usual file system. */
const nameBytesMax = 255
/** With a root before it, within the smallest usual PATH_MAX (macOS: 1,024). */
const pathBytesMax = 800
const directoriesMax = 64

/** What is not shown as it is (control characters, bytes that are no UTF-8, direction marks) as `=XX` for each byte. */
function escaped(part: string): string {
  return [...part]
    .map((character) => (pathForPeople(character) === character ? character : bytesOf(character)))
    .join('')
}

function bytesOf(character: string): string {
  return [...pathToBytes(character)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function dotless(part: string): string {
  return part === '.' || part === '..' ? part.replaceAll('.', '=2E') : part
}

/** At most `bytesMax` bytes: what is longer ends in 16 hex digits of the SHA-256 of the whole. */
function cut(part: string, bytesMax: number): string {
  const bytes = Buffer.from(part, 'utf8')
  if (bytes.byteLength <= bytesMax) return part
  const mark = `=${hash('sha256', bytes, 'hex').slice(0, 16)}`
  let end = bytesMax - mark.length
  // Never within a character: the bytes after the first of one are 10xxxxxx.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return `${bytes.toString('utf8', 0, end)}${mark}`
}
