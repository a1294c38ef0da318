import { createHash } from 'node:crypto'
import type { SeededRandom } from '../support/seeded-random.ts'
import { host } from './agent-slot.ts'
import type { StepKinds } from './steps.ts'
import type { Store } from './store.ts'

/** A host that is in somebody else's hands: it may write any key under its own prefix, and nothing else. */
export const evil = 'evil'

export const hostileSteps: StepKinds = {
  'hostile keys': async (world, random) => {
    const store = random.pick(world.stores)
    let written = 0
    for (let key = random.int(1, 6); key > 0; key--) if (await attack(store, random)) written++
    world.counts.add('hostile objects', written)
    return written > 0
  },
  /** Our own host, taken over: objects that continue no history, at any offset of its streams. */
  'hostile strays': async (world, random) => {
    const store = random.pick(world.stores)
    const streams = [...new Set([...store.objects.keys()].filter((key) => key.startsWith(`segments/${host}/`)))]
    if (streams.length === 0) return false
    const [, , stream] = random.pick(streams).split('/')
    const offset = random.pick([0, 1, 100, 5_000, 2 ** 53 - 1])
    return store.create(
      `segments/${host}/${stream}/${digits(offset)}-${hex(random, 8)}`,
      random.bytes(random.int(1, 50)),
    )
  },
}

const digits = (value: number): string => String(value).padStart(20, '0')
const hex = (random: SeededRandom, bytes: number): string => Buffer.from(random.bytes(bytes)).toString('hex')
const streams = ['20261120T101500000000000Z-1', '20261120T101500000000000Z-2.1', '0-3']
const paths = [
  '/logs/app.log',
  '../../etc/passwd',
  `/${'d/'.repeat(80)}x`,
  '/a/\u001b[31m',
  '~',
  '/logs/app.log~0-3',
  '',
]

async function attack(store: Store, random: SeededRandom): Promise<boolean> {
  const stream = random.pick(streams)
  const end = chainEnd(store, stream)
  const body = random.bytes(random.int(1, 60))
  const identity = stream.split('.')[0]
  const origin = JSON.stringify({ v: random.pick([1, 1, 1, 2]), path: random.pick(paths), identity, agent: 'evil' })
  const ascii = origin.replace(/[\u007f-\uffff]/g, '?')
  const keys: (() => [string, Uint8Array, Record<string, string>])[] = [
    // As an agent would: so that there is something to be changed afterwards.
    () => [
      `segments/${evil}/${stream}/${digits(end.offset)}-${end.before}`,
      body,
      end.offset === 0 ? { origin: ascii } : {},
    ],
    () => [
      `segments/${evil}/${stream}/${digits(end.offset)}-${end.before}`,
      body,
      { origin: ascii, final: hex(random, 32) },
    ],
    () => [`segments/${evil}/${stream}/${digits(random.int(0, 200))}-${hex(random, 8)}`, body, {}],
    () => [
      `seals/${evil}/${stream}/${digits(random.pick([0, end.offset, 2 ** 40]))}-${hex(random, 32)}`,
      Buffer.from(random.pick(['{}', 'x', '{"v":1}'])),
      {},
    ],
    () => [
      `gaps/${evil}/${stream}/${digits(random.int(0, 100))}-open`,
      Buffer.from(random.pick(['{}', 'x', '{"v":9}'])),
      {},
    ],
    () => [`aliases/${evil}/${identity}/${random.pick(streams)}`, Buffer.from('{'), {}],
    () => [
      `segments/${evil}/${random.pick(['no-stream', '20269999T101500000000000Z-1', 'x.y'])}/${digits(0)}-x`,
      body,
      {},
    ],
    () => [`segments/${evil}/${stream}/${'9'.repeat(20)}-${hex(random, 8)}`, body, {}],
  ]
  const [key, bytes, metadata] = random.pick(keys)()
  return store.create(key, bytes, metadata).catch(() => false)
}

function chainEnd(store: Store, stream: string): { offset: number; before: string } {
  let chain = Buffer.alloc(0)
  for (;;) {
    const before = createHash('sha256')
      .update(chain.subarray(Math.max(0, chain.length - 4096)))
      .digest('hex')
      .slice(0, 16)
    const next = store.objects.get(`segments/${evil}/${stream}/${digits(chain.length)}-${before}`)
    if (next === undefined) return { offset: chain.length, before }
    chain = Buffer.concat([chain, next.body])
  }
}
