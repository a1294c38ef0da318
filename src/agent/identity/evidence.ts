import { shortHash } from '../../base/hash.ts'
import { windowBytes } from '../../format/limits.ts'

/**
 * Evidence E3: the 4 KiB before an offset and the first 4 KiB are what was shipped. Kept as hashes, so that ten thousand
 * idle files cost little memory; pure, after `e3` of model/protocol_model.py.
 */
export interface Footprint {
  /** Bytes of stream that it speaks of: [0, offset). */
  readonly offset: number
  /** Hash (128 bits) of the up to 4 KiB before `offset`. */
  readonly window: string
  /** Of the first 4 KiB, once there are as many: the whole, and what lies beyond the part that an edit may touch. */
  readonly head?: { readonly whole: string; readonly beyondEdit: string } | undefined
  /** Byte 21 as it was shipped, where the stream is a MySQL binlog (see `binlogFlagAt`). */
  readonly binlogFlag?: number | undefined
}

export const nothingShipped: Footprint = { offset: 0, window: shortHash(new Uint8Array(0)) }

/** A difference only in the first 64 bytes is an edit in place (a header's counter), not another life. */
const editBytes = 64

/**
 * `FLUSH BINARY LOGS` clears LOG_EVENT_BINLOG_IN_USE_F in the header that it wrote long before (facts/files.md 0.3):
 * in a file with a binlog's magic number this byte is no evidence.
 */
const binlogFlagAt = 21
const binlogMagic = [0xfe, 0x62, 0x69, 0x6e]

/** The file as it was just read, at the offset of the footprint that it is held against. */
export interface Sample {
  /** Bytes of the whole file. */
  size: number
  /** The first up to 4 KiB. */
  head: Uint8Array
  /** [max(0, offset − 4 KiB), min(offset, size)). */
  window: Uint8Array
}

/**
 * - `same`      goes on from the offset;
 * - `edited`    the same, but for an edit of its first bytes;
 * - `short`     ends before the offset; whether it is equal so far, only the delivered bytes tell (`compareShort`);
 * - `different` another life, or rewritten.
 */
export type Comparison = 'same' | 'edited' | 'short' | 'different'

export function compare(footprint: Footprint, sample: Sample): Comparison {
  if (sample.size < footprint.offset) return 'short'
  const binlog = footprint.binlogFlag !== undefined && isBinlog(sample.head)
  const window = canonical(sample.window, Math.max(0, footprint.offset - windowBytes), binlog)
  if (shortHash(window) !== footprint.window) return 'different'
  if (footprint.head === undefined) return 'same'
  const head = canonical(sample.head.subarray(0, windowBytes), 0, binlog)
  if (shortHash(head) === footprint.head.whole) return 'same'
  // With less than 4 KiB beyond them, equal bytes after the edited ones are no evidence.
  const isEdit =
    footprint.offset >= windowBytes + editBytes && shortHash(head.subarray(editBytes)) === footprint.head.beyondEdit
  return isEdit ? 'edited' : 'different'
}

/**
 * For a file that ends before the acked offset: `head` and `window` of the file at its own size against the delivered
 * bytes at the same places.
 */
export function compareShort(
  file: { head: Uint8Array; window: Uint8Array; size: number },
  delivered: { head: Uint8Array; window: Uint8Array },
): 'short' | 'different' {
  const binlog = isBinlog(file.head) && isBinlog(delivered.head)
  const from = Math.max(0, file.size - windowBytes)
  const sameHead = equal(canonical(file.head, 0, binlog), canonical(delivered.head, 0, binlog))
  if (sameHead && equal(canonical(file.window, from, binlog), canonical(delivered.window, from, binlog))) return 'short'
  const isEdit =
    file.size > editBytes + windowBytes &&
    equal(file.window, delivered.window) &&
    equal(file.head.subarray(editBytes), delivered.head.subarray(editBytes))
  return isEdit ? 'short' : 'different'
}

/**
 * The footprint after `bytes` more. `window` is the delivered window before them; the answer's `window` is a copy that
 * outlives `bytes`.
 */
export function extend(
  footprint: Footprint,
  window: Uint8Array,
  bytes: Uint8Array,
): { footprint: Footprint; window: Uint8Array } {
  const offset = footprint.offset + bytes.byteLength
  const joined = lastWindow(window, bytes)
  const start = footprint.offset < windowBytes ? firstBytes(window, bytes) : undefined
  const binlogFlag = footprint.binlogFlag ?? (start && isBinlog(start) ? start[binlogFlagAt] : undefined)
  const isBinlogStream = binlogFlag !== undefined
  const head =
    footprint.head ??
    (start && start.byteLength === windowBytes ? headOf(canonical(start, 0, isBinlogStream)) : undefined)
  const hashed = canonical(joined, Math.max(0, offset - windowBytes), isBinlogStream)
  return { footprint: { offset, window: shortHash(hashed), head, binlogFlag }, window: joined }
}

/** The footprint of delivered bytes of which the first 4 KiB (or all) and the last 4 KiB (or all) are known. */
export function footprintOf(offset: number, head: Uint8Array, window: Uint8Array): Footprint {
  const binlogFlag = isBinlog(head) ? head[binlogFlagAt] : undefined
  const isBinlogStream = binlogFlag !== undefined
  return {
    offset,
    window: shortHash(canonical(window, Math.max(0, offset - windowBytes), isBinlogStream)),
    head: offset >= windowBytes ? headOf(canonical(head.subarray(0, windowBytes), 0, isBinlogStream)) : undefined,
    binlogFlag,
  }
}

/**
 * The delivered window, from the window of a file that compares `same` or `edited`: equal by its hash, but for the one
 * byte that the footprint knows better.
 */
export function deliveredWindow(footprint: Footprint, window: Uint8Array): Uint8Array {
  const from = Math.max(0, footprint.offset - windowBytes)
  const at = binlogFlagAt - from
  if (footprint.binlogFlag === undefined || at < 0 || at >= window.byteLength) return window
  const restored = new Uint8Array(window)
  restored[at] = footprint.binlogFlag
  return restored
}

function headOf(head: Uint8Array): { whole: string; beyondEdit: string } {
  return { whole: shortHash(head), beyondEdit: shortHash(head.subarray(editBytes)) }
}

function isBinlog(head: Uint8Array): boolean {
  return head.byteLength > binlogFlagAt && binlogMagic.every((byte, at) => head[at] === byte)
}

function canonical(bytes: Uint8Array, from: number, binlog: boolean): Uint8Array {
  const at = binlogFlagAt - from
  if (!binlog || at < 0 || at >= bytes.byteLength) return bytes
  const masked = new Uint8Array(bytes)
  masked[at] = 0
  return masked
}

function lastWindow(window: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength >= windowBytes) return new Uint8Array(bytes.subarray(bytes.byteLength - windowBytes))
  return concat(window.subarray(Math.max(0, window.byteLength + bytes.byteLength - windowBytes)), bytes)
}

function firstBytes(window: Uint8Array, bytes: Uint8Array): Uint8Array {
  return concat(window, bytes.subarray(0, Math.max(0, windowBytes - window.byteLength)))
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.byteLength + b.byteLength)
  joined.set(a)
  joined.set(b, a.byteLength)
  return joined
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
