import { windowBytes } from '../../format/limits.ts'
import { type OpenFile, readRange } from '../files/files.ts'
import { type Delivery, isOwnStream, type Life } from '../life.ts'
import { type Footprint, footprintOf, type Sample } from './evidence.ts'

/** The bytes that a life offers to a stream: the file's own, or what a compressed file decodes to. */
export interface Content {
  file: OpenFile
  /** Bytes: of the file now, cut to the size that a one-shot run fixed. */
  size: number
}

/** Undefined where the life has no file (any more), or its file was not decoded (again) yet. */
export function contentOf(life: Life, delivery: Delivery): Content | undefined {
  const isDecoded =
    life.copy?.reason === 'compressed' && delivery.stream !== undefined && !isOwnStream(life, delivery.stream)
  const file = isDecoded ? life.decoded : life.file
  if (file === undefined) return undefined
  const { size } = file.stat()
  if (isDecoded) return { file, size }
  // [growfork] What a judged copy grows by is not the stream's.
  const judged = life.copy?.reason === 'copy' ? life.copy.size : size
  return { file, size: Math.min(size, judged, life.limit ?? size) }
}

/** What a footprint is held against. */
export async function sampleAt(content: Content, footprint: Pick<Footprint, 'offset'>): Promise<Sample> {
  const { file, size } = content
  const end = Math.min(footprint.offset, size)
  const start = Math.max(0, footprint.offset - windowBytes)
  const [head, window] = await Promise.all([
    readRange(file, 0, Math.min(windowBytes, size)),
    start === 0 ? undefined : readRange(file, start, end),
  ])
  return { size, head, window: window ?? head.subarray(0, end) }
}

/** What the content shows at its ends. */
export async function footprintNow(content: Content): Promise<Footprint> {
  const { head, window } = await sampleAt(content, { offset: content.size })
  return footprintOf(content.size, head, window)
}

/** Where the trailing NULs begin that may be no bytes yet (delayed allocation, NFS), not before `floor`. */
export async function solidSize(content: Content, floor: number): Promise<number> {
  let end = content.size
  // Mostly the last byte decides; only a hole is walked back through.
  for (let length = 1; end > floor; length = Math.min(length * 64, 1 << 20)) {
    const start = Math.max(floor, end - length)
    const bytes = await readRange(content.file, start, end)
    for (let at = bytes.byteLength - 1; at >= 0; at--) if (bytes[at] !== 0) return start + at + 1
    end = start
  }
  return end
}
