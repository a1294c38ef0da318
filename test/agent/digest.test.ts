import { describe, expect, it, onTestFinished } from 'vitest'
import type { AgentEvent } from '../../src/agent/context.ts'
import { Destination } from '../../src/agent/destination.ts'
import { DigestWriter } from '../../src/agent/digest/digest-writer.ts'
import { footprintOf } from '../../src/agent/identity/evidence.ts'
import { type Delivery, type Life, newLife } from '../../src/agent/life.ts'
import { LifeBook } from '../../src/agent/life-book.ts'
import { sha256 } from '../../src/base/hash.ts'
import { type Bucket, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { type Digest, decodeDigest } from '../../src/format/digest.ts'
import { checkDigests, type StoredDigest } from '../../src/format/digest-chain.ts'
import { digestKey, hourMs, hourOf, parseKey } from '../../src/format/keys.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'

const host = 'web-1'
/** Its spread is 0: due as soon as an hour begins. */
const agentId = '0'.repeat(16)
const minute = 60_000

async function setUp() {
  const clock = createVirtualClock()
  const store = createMemoryBucket(clock)
  const bucket = faultBucket(store, clock)
  return { clock, store, bucket }
}

/** An agent's writer at work; `stop` ends it as SIGKILL would. */
function start(clock: VirtualClock, bucket: Bucket, options: { agentId?: string; lives?: readonly Life[] } = {}) {
  const stop = new AbortController()
  const events: AgentEvent[] = []
  const book = new LifeBook()
  for (const life of options.lives ?? []) book.add(life)
  book.isExplored = true
  const destination = new Destination(
    {
      name: 'eu',
      bucket,
      budget: { capacity: 1, perSecond: 1 },
      bytesInFlightMax: 1,
      admit: () => Promise.resolve(),
    },
    clock,
  )
  const writer = new DigestWriter({
    host,
    agentId: options.agentId ?? agentId,
    clock,
    destination,
    book,
    report: (event) => void events.push(event),
  })
  const ended = Promise.all([destination.run(stop.signal), writer.run(stop.signal)])
  const end = async (): Promise<void> => {
    stop.abort(new Error('stopped'))
    await ended
  }
  onTestFinished(end)
  return { writer, destination, events, end }
}

function lifeOf(inode: number, length: number): { life: Life; delivery: Delivery } {
  const identity = `0-${inode.toString(36)}`
  const origin = { path: `/${inode}`, identity, agent: 'x' }
  const life = newLife({
    identity,
    firstGeneration: 0,
    origin,
    source: 's',
    path: `/${inode}`,
    destinations: ['eu', 'us'],
  })
  const delivery = life.deliveries.get('eu') as Delivery
  delivery.stream = identity
  delivery.acked = footprintOf(length, new Uint8Array(), new Uint8Array())
  return { life, delivery }
}

async function digestsOf(bucket: Bucket): Promise<(StoredDigest & { digest: Digest })[]> {
  const found: (StoredDigest & { digest: Digest })[] = []
  for (const { key } of await listObjects(bucket, 'digests/')) {
    const parsed = parseKey(key)
    const body = (await bucket.get(key))?.body
    if (parsed?.kind !== 'digest' || body === undefined) throw new Error(`no digest: ${key}`)
    found.push({ hour: parsed.hour, agent: parsed.agent, sha256: sha256(body), digest: decodeDigest(body, key) })
  }
  return found
}

describe('digests', () => {
  it('are written at the start and once in every hour, also when nothing happens', async () => {
    const { clock, store, bucket } = await setUp()
    start(clock, bucket)
    await clock.advance(2 * minute)
    expect(await digestsOf(store)).toHaveLength(1)
    await clock.advance(6 * hourMs)
    const digests = await digestsOf(store)
    expect(digests).toHaveLength(7)
    expect(checkDigests(digests, clock.now())).toEqual({ silentHours: [], broken: [], severalAgents: [] })
    expect(digests[3]?.digest).toMatchObject({ begun: 0, acked: 0, sealed: 0, streams: [], more: 0 })
    // I7: one request an hour, and at the start the look for the last one.
    expect(bucket.operations.filter(({ op }) => op === 'put')).toHaveLength(7)
    expect(bucket.operations.filter(({ op }) => op !== 'put').map(({ op }) => op)).toEqual(['list', 'list'])
  })

  it('tell what happened since the one before, and where each stream stood', async () => {
    const { clock, store, bucket } = await setUp()
    const { writer } = start(clock, bucket)
    await clock.advance(2 * minute)
    const [one, two] = [lifeOf(2, 500), lifeOf(1, 70)]
    two.delivery.rollup = 'a'.repeat(64)
    const away = one.life.deliveries.get('us') as Delivery
    const events: AgentEvent[] = [
      { kind: 'began', ...one, how: 'new' },
      { kind: 'acked', ...one, bytes: 300, sent: true },
      { kind: 'acked', ...one, bytes: 200, sent: true },
      { kind: 'acked', ...two, bytes: 70, sent: false },
      { kind: 'acked', life: one.life, delivery: away, bytes: 70, sent: true },
      { kind: 'sealed', ...two, length: 70, sha256: 'f'.repeat(64), reason: 'rotated', wasThere: false },
    ]
    two.delivery.sealed = { length: 70, sha256: 'f'.repeat(64) }
    for (const event of events) writer.account.note(event)
    await clock.advance(2 * hourMs)
    const [, second, third] = await digestsOf(store)
    expect(second?.digest).toMatchObject({ begun: 1, acked: 2, sealed: 1, more: 0 })
    expect(second?.digest.streams).toEqual([
      { stream: '0-1', length: 70, rollup: 'a'.repeat(64), sealed: true },
      { stream: '0-2', length: 500 },
    ])
    expect(third?.digest).toMatchObject({ begun: 0, acked: 0, sealed: 0, streams: [] })
  })

  it('I3: the chain goes on after a restart, by the bucket alone; within the hour there is one', async () => {
    const { clock, store, bucket } = await setUp()
    const first = start(clock, bucket)
    await clock.advance(hourMs)
    await first.end()
    for (let restart = 0; restart < 3; restart++) {
      const again = start(clock, bucket)
      await clock.advance(5 * minute)
      await again.end()
    }
    start(clock, bucket)
    await clock.advance(2 * hourMs)
    const digests = await digestsOf(store)
    expect(digests).toHaveLength(4)
    expect(checkDigests(digests, clock.now())).toEqual({ silentHours: [], broken: [], severalAgents: [] })
  })

  it('after a restart each stream of the checkpoint is told of once more: the end of the agent before is not known', async () => {
    const { clock, store, bucket } = await setUp()
    start(clock, bucket, { lives: [lifeOf(1, 70).life, lifeOf(2, 0).life] })
    await clock.advance(2 * hourMs)
    expect((await digestsOf(store)).map(({ digest }) => digest.streams)).toEqual([
      [{ stream: '0-1', length: 70 }],
      [],
      [],
    ])
  })

  it('after two months away, the last one is found all the same', async () => {
    const { clock, store, bucket } = await setUp()
    const first = start(clock, bucket)
    await clock.advance(minute)
    await first.end()
    await clock.advance(60 * 24 * hourMs)
    start(clock, bucket)
    await clock.advance(minute)
    const digests = await digestsOf(store)
    expect(checkDigests(digests, clock.now()).broken).toEqual([])
    expect(digests).toHaveLength(2)
  })

  it('who lost the state has another id: a chain of its own, seen by the reader', async () => {
    const { clock, store, bucket } = await setUp()
    const first = start(clock, bucket)
    await clock.advance(minute)
    await first.end()
    start(clock, bucket, { agentId: `00${'1'.repeat(14)}` })
    await clock.advance(hourMs + minute)
    expect(checkDigests(await digestsOf(store), clock.now())).toMatchObject({
      broken: [],
      severalAgents: [{ agents: [agentId, `00${'1'.repeat(14)}`] }],
    })
  })

  it('a lost answer is no second digest, and no break; a store that is down gets one for the hour in which it comes back', async () => {
    const { clock, store, bucket } = await setUp()
    bucket.setRule(({ op, attempt }) => (op === 'put' && attempt === 0 ? { kind: 'lost' } : undefined))
    const { events } = start(clock, bucket)
    await clock.advance(hourMs + minute)
    bucket.setRule(() => ({ kind: 'unavailable' }))
    await clock.advance(4 * hourMs)
    bucket.setRule(undefined)
    await clock.advance(2 * hourMs)
    const digests = await digestsOf(store)
    const { broken, silentHours, severalAgents } = checkDigests(digests, clock.now())
    expect({ broken, severalAgents, events }).toEqual({ broken: [], severalAgents: [], events: [] })
    // What was written when it went down lands when it comes back.
    expect(silentHours.length).toBeGreaterThanOrEqual(2)
    expect(silentHours.length).toBeLessThanOrEqual(3)
  })

  it('I5: a store that lets no digest in is well for everything else; it is said, with the remedy', async () => {
    const { clock, store, bucket } = await setUp()
    const first = start(clock, bucket)
    await clock.advance(minute)
    bucket.setRule(({ op }) => (op === 'put' ? { kind: 'refused' } : undefined))
    await clock.advance(2 * hourMs)
    expect(first.destination.health).toEqual({ state: 'ok' })
    expect(first.events[0]).toMatchObject({ kind: 'problem', place: 'digest → eu', hint: 'allow it' })
    bucket.setRule(undefined)
    await clock.advance(hourMs)
    expect(checkDigests(await digestsOf(store), clock.now()).broken).toEqual([])
  })

  it('two agents with a copy of one state meet: one says so, and neither loses what it has to say', async () => {
    const { clock, store, bucket } = await setUp()
    const clone = start(clock, bucket)
    await clock.advance(minute)
    const { life, delivery } = lifeOf(1, 70)
    await clock.advance(hourMs - (clock.now() % hourMs) - 1)
    // The other one is first in this hour.
    const hour = hourOf(clock.now() + 1)
    await store.put(digestKey(host, hour, agentId), Buffer.from('{"v":1}'), { mode: 'create' })
    clone.writer.account.note({ kind: 'acked', life, delivery, bytes: 70, sent: true })
    await clock.advance(5 * minute)
    expect(clone.events).toMatchObject([{ kind: 'problem', message: expect.stringContaining(hour) }])
    await clock.advance(hourMs)
    const bodies = await Promise.all(
      (await listObjects(store, 'digests/')).map(async ({ key }) =>
        Buffer.from((await store.get(key))?.body ?? []).toString(),
      ),
    )
    expect(bodies.at(-1)).toContain(sha256(Buffer.from('{"v":1}')))
  })

  it('I7: of thousands of streams each is told of once, in turn; the count of the others is there', async () => {
    const { clock, store, bucket } = await setUp()
    const { writer } = start(clock, bucket)
    await clock.advance(2 * minute)
    for (let at = 0; at < 1_000; at++) writer.account.note({ kind: 'acked', ...lifeOf(at, at), bytes: 1, sent: true })
    await clock.advance(5 * hourMs)
    const digests = (await digestsOf(store)).map(({ digest }) => digest)
    expect(digests.map(({ streams, more, acked }) => [acked, streams.length, more])).toEqual([
      [0, 0, 0],
      [1_000, 300, 700],
      [0, 300, 400],
      [0, 300, 100],
      [0, 100, 0],
      [0, 0, 0],
    ])
    expect(new Set(digests.flatMap(({ streams }) => streams.map(({ stream }) => stream))).size).toBe(1_000)
  })

  it('I7: more streams than are counted one by one: none of them passes for sealed', async () => {
    const { clock, bucket } = await setUp()
    const { account } = start(clock, bucket).writer
    for (let at = 0; at < 10_010; at++) account.note({ kind: 'acked', ...lifeOf(at, at), bytes: 1, sent: true })
    expect(account.take().content).toMatchObject({ acked: 10_000, sealed: 0 })
  })

  it('a fleet does not write together: each agent at its own minute of the hour', async () => {
    const { clock, store, bucket } = await setUp()
    start(clock, bucket, { agentId: `80${'0'.repeat(14)}` })
    const beginsMs = hourMs - (clock.now() % hourMs)
    await clock.advance(beginsMs + 4 * minute)
    const before = await digestsOf(store)
    await clock.advance(3 * minute)
    expect([before.length, (await digestsOf(store)).length]).toEqual([1, 2])
  })
})
