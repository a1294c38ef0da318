import { createHash } from 'node:crypto'
import type { StoredObject } from '../store.ts'

/** A stream as the oracle reads it from the bare objects, by the format's own words and none of the product's code. */
export interface StreamView {
  stream: string
  identity: string
  /** The chain's segments, in order. */
  segments: { offset: number; end: number; storedAtMs: number }[]
  chain: Buffer
  strays: number
  forkOf?: { stream: string; shared: number } | undefined
  path?: string | undefined
  seals: { length: number; sha256: string }[]
  gaps: { offset: number; end: number | 'open'; reason: string; at: string }[]
}

const windowBytes = 4096

export function viewStreams(objects: ReadonlyMap<string, StoredObject>, host: string): Map<string, StreamView> {
  const bodies = new Map<string, Map<string, StoredObject>>()
  const views = new Map<string, StreamView>()
  const view = (stream: string): StreamView => {
    const made = views.get(stream) ?? {
      stream,
      identity: stream.split('.')[0] as string,
      segments: [],
      chain: Buffer.alloc(0),
      strays: 0,
      seals: [],
      gaps: [],
    }
    views.set(stream, made)
    return made
  }
  for (const [key, object] of objects) {
    const [room, owner, stream, name] = key.split('/')
    if (owner !== host || stream === undefined || name === undefined) continue
    if (room === 'segments') {
      view(stream)
      const ofStream = bodies.get(stream) ?? new Map<string, StoredObject>()
      bodies.set(stream, ofStream.set(name, object))
    } else if (room === 'seals') {
      const [length, sha256] = name.split('-')
      view(stream).seals.push({ length: Number(length), sha256: sha256 as string })
    } else if (room === 'gaps') {
      const { reason = '', at = '' } = readJson(Buffer.from(object.body).toString())
      const [offset, end] = name.split('-')
      view(stream).gaps.push({ offset: Number(offset), end: end === 'open' ? end : Number(end), reason, at })
    }
  }
  for (const [stream, segments] of bodies) walk(view(stream), segments)
  return views
}

interface Fields {
  reason?: string
  at?: string
  path?: string
  forkOf?: StreamView['forkOf']
}

/** What a hostile host writes need not be JSON. */
function readJson(text: string): Fields {
  try {
    return JSON.parse(text) as Fields
  } catch {
    return {}
  }
}

function walk(view: StreamView, bodies: Map<string, StoredObject>): void {
  for (;;) {
    const { length } = view.chain
    const window = view.chain.subarray(Math.max(0, length - windowBytes))
    const before = createHash('sha256').update(window).digest('hex').slice(0, 16)
    const object = bodies.get(`${String(length).padStart(20, '0')}-${before}`)
    if (object === undefined) break
    if (length === 0) readOrigin(view, object)
    view.chain = Buffer.concat([view.chain, object.body])
    view.segments.push({ offset: length, end: view.chain.length, storedAtMs: object.storedAtMs })
  }
  view.strays = bodies.size - view.segments.length
}

function readOrigin(view: StreamView, { metadata, body }: StoredObject): void {
  const origin = readJson(metadata.origin ?? '{}')
  view.forkOf = origin.forkOf
  view.path = origin.path
  if (metadata.final !== undefined) view.seals.push({ length: body.byteLength, sha256: metadata.final })
}

/** Whether `life` could have given the chain: each segment, and the 4 KiB before it, stand in one of its versions. */
export function couldGive(versions: readonly Buffer[], view: StreamView, upTo = view.chain.length): boolean {
  return view.segments.every(({ offset, end }) => {
    const to = Math.min(end, upTo)
    if (to <= offset) return true
    const from = Math.max(0, offset - windowBytes)
    const wanted = view.chain.subarray(from, to)
    return versions.some((version) => version.length >= to && version.subarray(from, to).equals(wanted))
  })
}
