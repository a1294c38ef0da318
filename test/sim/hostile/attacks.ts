import type { MemoryBucket } from '../../../src/bucket/memory.ts'
import { advance, beforeOf, type ChainEnd, chainStart } from '../../../src/format/chain.ts'
import { parseStreamId } from '../../../src/format/keys.ts'
import type { SeededRandom } from '../../support/seeded-random.ts'

/** What somebody who has a host's credentials may do: create any key in its rooms, whatever it says. */
export interface Thief {
  host: string
  bucket: MemoryBucket
  random: SeededRandom
  /** Streams that the host had before it was taken over. */
  streams: readonly string[]
  /** Their chains as the thief sees them, and has gone on with. */
  ends: Map<string, ChainEnd>
}

type Attack = (thief: Thief, stream: string) => Promise<boolean>

const digits = (value: number): string => String(value).padStart(20, '0')
const hex = (random: SeededRandom, bytes: number): string => Buffer.from(random.bytes(bytes)).toString('hex')
const paths = ['/var/log/app-0.log', '../../etc/passwd', '/a/\u001b[31m', '~', '', `/${'d/'.repeat(60)}x`, '/x~0-1']
const records = ['', '{', 'null', '{"v":9}', '{"v":1}', '{"v":1,"reason":"truncated","at":"x"}']

async function put(thief: Thief, key: string, body: Uint8Array, metadata = {}): Promise<boolean> {
  return (await thief.bucket.put(key, body, { mode: 'create', metadata }).catch(() => 'refused')) === 'created'
}

const segment = (host: string, stream: string, offset: number, before: string): string =>
  `segments/${host}/${stream}/${digits(offset)}-${before}`

function endOf({ ends }: Thief, stream: string): ChainEnd {
  return ends.get(stream) ?? chainStart
}

function originOf(random: SeededRandom, stream: string): string {
  const identity = parseStreamId(stream)?.identity
  const origin = JSON.stringify({ v: random.pick([1, 1, 1, 2]), path: random.pick(paths), identity, agent: 'evil' })
  return origin.replace(/[\u007f-\uffff]/g, '?')
}

export const attacks: Readonly<Record<string, Attack>> = {
  /** As an agent would, so that what is published grows. */
  'go on': async (thief, stream) => {
    const end = endOf(thief, stream)
    const body = thief.random.bytes(thief.random.int(1, 6_000))
    const origin = end.offset === 0 ? { origin: originOf(thief.random, stream) } : {}
    if (!(await put(thief, segment(thief.host, stream, end.offset, beforeOf(end)), body, origin))) return false
    thief.ends.set(stream, advance(end, body))
    return true
  },
  'nothing as the next one': (thief, stream) => {
    const end = endOf(thief, stream)
    return put(thief, segment(thief.host, stream, end.offset, beforeOf(end)), new Uint8Array(0))
  },
  stray: (thief, stream) => {
    const { host, random } = thief
    const { offset } = endOf(thief, stream)
    const at = random.pick([0, offset, offset, random.int(0, offset), offset + random.int(1, 50), 2 ** 53 - 1])
    return put(thief, segment(host, stream, at, hex(random, 8)), random.bytes(random.int(0, 300)))
  },
  /** Strays that continue each other, with a seal over all of them. */
  'strays in a row': async (thief, stream) => {
    const { host, random } = thief
    let { offset, window } = endOf(thief, stream)
    let before = hex(random, 8)
    for (let left = random.int(2, 4); left > 0; left--) {
      const body = random.bytes(random.int(1, 5_000))
      await put(thief, segment(host, stream, offset, before), body)
      ;({ offset, window } = advance({ offset, window }, body))
      before = beforeOf({ offset, window: body.subarray(-4096) })
    }
    return put(thief, `seals/${host}/${stream}/${digits(offset)}-${hex(random, 32)}`, Buffer.from(random.pick(records)))
  },
  'false seals': async (thief, stream) => {
    const { host, random } = thief
    const { offset } = endOf(thief, stream)
    let isMade = false
    for (let left = random.int(1, 4); left > 0; left--) {
      const length = random.pick([0, offset, offset, random.int(0, offset), offset + random.int(1, 99), 2 ** 53 - 1])
      const origin = JSON.parse(originOf(random, stream))
      const good = JSON.stringify({ v: 1, origin, reason: 'rotated', sealedAt: '2026-11-20T10:15:00.000Z' })
      const body = Buffer.from(random.pick([good, good, random.pick(records)]))
      isMade = (await put(thief, `seals/${host}/${stream}/${digits(length)}-${hex(random, 32)}`, body)) || isMade
    }
    return isMade
  },
  gap: (thief, stream) => {
    const { host, random } = thief
    const from = random.int(0, endOf(thief, stream).offset + 9)
    const end = random.pick(['open', digits(from + random.int(1, 50))])
    return put(thief, `gaps/${host}/${stream}/${digits(from)}-${end}`, Buffer.from(random.pick(records)))
  },
  alias: (thief, stream) => {
    const identity = parseStreamId(thief.random.pick(thief.streams))?.identity
    const body = Buffer.from(thief.random.pick(records))
    return put(thief, `aliases/${thief.host}/${identity}/${stream}`, body)
  },
  'another stream': async (thief, stream) => {
    const { host, random } = thief
    const other = random.pick([
      `${stream}.${random.int(1, 3)}`,
      `0-${random.int(1, 40)}`,
      '20261121T000000000000000Z-zz',
    ])
    const final = random.chance(0.3) ? { final: hex(random, 32) } : {}
    const body = random.bytes(random.int(0, 200))
    return put(thief, segment(host, other, 0, beforeOf(chainStart)), body, {
      origin: originOf(random, other),
      ...final,
    })
  },
  'no key of ours': (thief, stream) => {
    const { host, random } = thief
    const key = random.pick([
      `segments/${host}/${stream}/x`,
      `segments/${host}/no-stream/${digits(0)}-e3b0c44298fc1c14`,
      `segments/${host}/${stream}/${'9'.repeat(20)}-${hex(random, 8)}`,
      `seals/${host}/${stream}/${digits(3)}-nothex`,
      `digests/${host}/20261120T10Z-${hex(random, 8)}`,
      `digests/${host}/99991231T23Z-${hex(random, 8)}`,
    ])
    return put(thief, key, Buffer.from(random.pick(records)))
  },
}

/** With the store's own keys, where it has versions: what was delivered is overwritten, or hidden behind a marker. */
export function tamper({ host, bucket, random }: Thief, keys: readonly string[]): boolean {
  const own = keys.filter((key) => key.split('/')[1] === host)
  if (!bucket.capabilities.versions || own.length === 0) return false
  bucket.tamper(random.pick(own), random.chance(0.5) ? undefined : random.bytes(random.int(0, 500)))
  return true
}
