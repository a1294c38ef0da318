import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import type { Times } from '../../bucket/delivered-between.ts'
import type { CommandInput } from '../command.ts'
import { formatCount } from '../terminal/units.ts'
import { lossText, notSealedContent, printContent } from './cat-print.ts'
import type { Matcher } from './grep-match.ts'
import { type Line, LineCutter, lineBytesMax } from './line-cutter.ts'
import type { Target } from './read-place.ts'
import { wholeRange } from './read-range.ts'

export interface Search {
  matches: Matcher
  /** What is printed of what was found. */
  show: 'lines' | 'count' | 'name'
  isJson: boolean
  isNamed: boolean
  isNumbered: boolean
  /** Lines per file. */
  maxCount: number
  times: Times | undefined
}

export interface Searched {
  lines: number
  bytes: number
}

/** Thrown through a reader to end it: nothing more is wanted. */
const enough = Symbol('enough')

/** Searches one file, its streams in the order of their birth; what is shown of it goes to `write` as it is found. */
export async function searchTarget(
  { terminal }: Pick<CommandInput, 'terminal'>,
  target: Target,
  search: Search,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<Searched> {
  const { place, host, found } = target
  const label = `${pathForPeople(host)}:${pathForPeople(found.path)}`
  const max = search.show === 'name' ? 1 : search.maxCount
  const sum: Searched = { lines: 0, bytes: 0 }
  for (const stream of found.streams) {
    const range = search.times === undefined ? wholeRange : await place.delivered(host, stream, search.times)
    if (range === undefined) continue
    const parts: Buffer[] = []
    let isCut = false
    const take = (line: Line): boolean => {
      isCut ||= line.isPiece
      if (!search.matches(line.bytes)) return true
      sum.lines++
      if (search.show === 'lines') parts.push(shownLine(line, { search, label, stream, target, terminal }))
      return sum.lines < max
    }
    const cutter = new LineCutter(take, range.start)
    const flush = async (): Promise<void> => {
      if (parts.length > 0) await write(Buffer.concat(parts.splice(0)))
    }
    try {
      const read = await printContent(place.read(host, stream, range), async (bytes) => {
        sum.bytes += bytes.byteLength
        const wantsMore = cutter.push(bytes)
        await flush()
        if (!wantsMore) throw enough
      })
      cutter.end()
      for (const loss of read.losses) terminal.warn(`${label} ${stream}: ${lossText(loss)}`)
      if (read.verified === false) throw notSealedContent(host, stream)
    } catch (error) {
      if (error !== enough) throw error
    } finally {
      await flush()
      if (isCut) terminal.warn(`${label}: ${longLine}`)
    }
    if (sum.lines >= max) break
  }
  await write(shownSum(sum, search, label, target))
  return sum
}

const longLine = `lines longer than ${formatCount(lineBytesMax)} bytes were searched in pieces of that length`

function shownLine(
  { bytes, number, offset }: Line,
  context: { search: Search; label: string; stream: string; target: Target } & Pick<CommandInput, 'terminal'>,
): Buffer {
  const { search, label, stream, target, terminal } = context
  if (search.isJson) {
    const { host, found } = target
    const line = search.times === undefined ? number : undefined
    return jsonLine({ host, name: found.path, stream, line, offset, text: bytes.toString() })
  }
  const head = `${search.isNamed ? `${label}:` : ''}${search.isNumbered ? `${number}:` : ''}`
  // On a terminal nothing that a host wrote moves the cursor; into a pipe go the bytes as they are.
  const body = terminal.isTTY ? Buffer.from(bytes.toString().split('\t').map(textForPeople).join('\t')) : bytes
  return Buffer.concat([Buffer.from(head), body, Buffer.from('\n')])
}

function shownSum({ lines }: Searched, search: Search, label: string, { host, found }: Target): Buffer {
  if (search.show === 'lines' || (search.show === 'name' && lines === 0)) return Buffer.alloc(0)
  const isCount = search.show === 'count'
  if (search.isJson) return jsonLine({ host, name: found.path, ...(isCount ? { count: lines } : {}) })
  if (isCount) return Buffer.from(`${search.isNamed ? `${label}:` : ''}${lines}\n`)
  return Buffer.from(`${label}\n`)
}

function jsonLine(value: Record<string, unknown>): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}
