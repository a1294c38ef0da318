import { createHash } from 'node:crypto'
import type { PlainObject, PlainStore } from './plain-store.ts'

export interface ReadStream {
  host: string
  stream: string
  content: Buffer
  strays: number
  /** `<length>-<sha256>`; that of a segment that is final, too. */
  seals: string[]
  gaps: { offset: number; end: string; reason: string }[]
  isFork: boolean
}

const windowBytes = 4096

/**
 * Every stream of the store, put together by LIST, GET and the rule of the key (DESIGN.md section 3), written anew on
 * purpose. `onObject` sees every object's content once.
 */
export async function* readStreams(
  store: PlainStore,
  objects: readonly PlainObject[],
  onObject: (key: string, sha256: string) => void,
): AsyncGenerator<ReadStream> {
  const rooms = new Map<string, { segments: PlainObject[]; seals: PlainObject[]; gaps: PlainObject[] }>()
  for (const object of objects) {
    const [room = '', host = '', stream = '', name] = object.key.split('/')
    if (name === undefined || (room !== 'segments' && room !== 'seals' && room !== 'gaps')) continue
    const place = `${host}/${stream}`
    const known = rooms.get(place) ?? { segments: [], seals: [], gaps: [] }
    known[room].push(object)
    rooms.set(place, known)
  }
  const get = async (key: string) => {
    const found = await store.get(key)
    onObject(key, sha256(found.body))
    return found
  }
  for (const [place, { segments, seals, gaps }] of rooms) {
    const [host = '', stream = ''] = place.split('/')
    const read: ReadStream = { host, stream, content: Buffer.alloc(0), strays: 0, seals: [], gaps: [], isFork: false }
    for (const { key } of seals) {
      await get(key)
      read.seals.push(sealOf(nameOf(key)))
    }
    for (const { key } of gaps) {
      const [offset, end = ''] = nameOf(key).split('-')
      const { reason } = JSON.parse((await get(key)).body.toString()) as { reason: string }
      read.gaps.push({ offset: Number(offset), end: end === 'open' ? end : String(Number(end)), reason })
    }
    const parts: Buffer[] = []
    let end = 0
    let window: Buffer = Buffer.alloc(0)
    const left = new Map(segments.map(({ key }) => [nameOf(key), key]))
    for (;;) {
      const name = `${String(end).padStart(20, '0')}-${sha256(window).slice(0, 16)}`
      const key = left.get(name)
      if (key === undefined) break
      left.delete(name)
      const { body, metadata } = await get(key)
      if (end === 0) {
        read.isFork = 'forkOf' in (JSON.parse(metadata.origin ?? '{}') as object)
        if (metadata.final !== undefined) read.seals.push(`${body.byteLength}-${metadata.final}`)
      }
      if (body.byteLength === 0) break
      parts.push(body)
      end += body.byteLength
      window = Buffer.concat([window, body.subarray(-windowBytes)]).subarray(-windowBytes)
    }
    for (const key of left.values()) await get(key)
    read.strays = left.size
    read.content = Buffer.concat(parts)
    yield read
  }
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

function sealOf(name: string): string {
  const [length, hash = ''] = name.split('-')
  return `${Number(length)}-${hash}`
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
