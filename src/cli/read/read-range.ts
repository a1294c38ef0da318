import { parseBytes } from '../../base/quantity.ts'
import type { ContentRange } from '../../bucket/stream-content.ts'
import { usageError } from '../command.ts'

/** An end that is infinite means: as far as the stream goes. */
export type ByteRange = ContentRange

/** `100-200` is bytes 100 up to, not including, 200; `100-` all from there on. With units: `1MiB-2MiB`. */
export function parseRange(text: string): ByteRange {
  const [start = '', end = '', ...rest] = text.split('-')
  const range = { start: count(start), end: end === '' ? Number.POSITIVE_INFINITY : count(end) }
  if (rest.length > 0 || !text.includes('-') || range.start === undefined || range.end === undefined) {
    throw usageError(
      `--range ${text}: cannot be read`,
      'write --range 100-200, 1MiB-2MiB or 100- (the end is not included)',
    )
  }
  if (range.end <= range.start)
    throw usageError(`--range ${text}: is empty`, `--range ${start}-${range.start + 1} is one byte`)
  return { start: range.start, end: range.end }
}

function count(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return parseBytes(text)
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : undefined
}

export const wholeRange: ByteRange = { start: 0, end: Number.POSITIVE_INFINITY }

/** Nothing but where the stream ends. */
export const behindRange: ByteRange = { start: Number.MAX_SAFE_INTEGER, end: Number.POSITIVE_INFINITY }
