import { describe, expect, it } from 'vitest'
import type { Agent } from '../../src/agent/agent.ts'
import { footprintOf } from '../../src/agent/identity/evidence.ts'
import { type Life, newLife } from '../../src/agent/life.ts'
import { LifeBook } from '../../src/agent/life-book.ts'
import type { WholeFile } from '../../src/agent/whole/whole-file.ts'
import type { WholeShipper } from '../../src/agent/whole/whole-shipper.ts'
import { appendedBytes, watchAmounts } from '../../src/cli/agent/agent-amounts.ts'
import type { StatusRecord } from '../../src/cli/agent/agent-status.ts'
import { EventCounts } from '../../src/cli/agent/event-counts.ts'
import { InheritedAges } from '../../src/cli/agent/inherited-ages.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const nothing = new Uint8Array()

function setUp() {
  const clock = createVirtualClock()
  const book = new LifeBook()
  const agent = { book, couriers: new Map([['eu'], ['us']].map(([name]) => [name, {}])), revision: 0 }
  const life = newLife({
    identity: '0-1',
    firstGeneration: 0,
    origin: { path: '/a', identity: '0-1', agent: 'x' },
    source: 's',
    path: '/a',
    destinations: ['eu', 'us'],
  })
  book.add(life)
  const grow = (size: number): void => {
    agent.revision++
    life.size = size
    life.pendingSinceMs ??= clock.monotonic()
  }
  const ack = (name: string, offset: number): void => {
    agent.revision++
    const delivery = life.deliveries.get(name)
    if (delivery) delivery.acked = footprintOf(offset, nothing, nothing)
  }
  return { clock, agent: agent as unknown as Agent, life, grow, ack }
}

describe('what is behind', () => {
  it('I5: is as old as each destination’s own oldest byte, whatever another one misses', async () => {
    const { clock, agent, grow, ack } = setUp()
    const amounts = watchAmounts(agent, clock)
    const ages = () => {
      const { backlogs } = amounts()
      return ['eu', 'us'].map((name) => clock.monotonic() - (backlogs.get(name)?.sinceMs ?? 0))
    }
    grow(100)
    expect(ages()).toEqual([0, 0])
    await clock.advance(10_000)
    expect(ages()).toEqual([10_000, 10_000])
    ack('eu', 100)
    await clock.advance(3_590_000)
    expect(ages()).toEqual([Number.NEGATIVE_INFINITY, 3_600_000])
    // For an hour us has been away; what eu does not have came just now.
    grow(150)
    expect(ages()).toEqual([0, 3_600_000])
    await clock.advance(2_000)
    ack('us', 100)
    expect(ages()).toEqual([2_000, 2_000])
    ack('us', 120)
    ack('eu', 150)
    expect(ages()).toEqual([Number.NEGATIVE_INFINITY, 2_000])
    expect(amounts().backlogs.get('us')).toMatchObject({ bytes: 30, files: 1, ackedBytes: 120 })
  })

  it('is no younger after a restart, until all that was here at the start is there', async () => {
    const { clock, agent, life, grow, ack } = setUp()
    const inherited = new InheritedAges()
    const eu = { behindBytes: 100, oldestSeconds: 3_600 }
    const before = { updatedAt: new Date(clock.now() - 60_000).toISOString(), destinations: [{ name: 'eu', ...eu }] }
    inherited.take(before as unknown as StatusRecord, { wallMs: clock.now(), monotonicMs: clock.monotonic() })
    const amounts = watchAmounts(agent, clock, undefined, inherited)
    const ages = () => {
      const { backlogs } = amounts()
      return ['eu', 'us'].map((name) => Math.round((clock.monotonic() - (backlogs.get(name)?.sinceMs ?? 0)) / 1000))
    }
    grow(100)
    expect(ages()).toEqual([3_660, 0])
    agent.book.isExplored = true
    agent.book.move(life, '/b')
    ack('eu', 50)
    await clock.advance(10_000)
    expect(ages()).toEqual([3_670, 10])
    ack('eu', 100)
    grow(150)
    expect(ages()[0]).toBeLessThanOrEqual(10)
  })

  it('names the rotated file that was born first', () => {
    const { clock, agent, life, grow } = setUp()
    const amounts = watchAmounts(agent, clock)
    grow(100)
    expect(amounts().rotated).toBeUndefined()
    agent.book.move(life, '/a.1')
    const older = newLife({ ...life, identity: '0-0', path: '/a.2', destinations: ['eu', 'us'] })
    older.size = 5
    agent.book.add(older)
    expect(amounts().rotated).toEqual({ files: 2, bytes: 105, oldestPath: '/a.2' })
  })

  it('of files that go whole is what is complete and not there', async () => {
    const { clock, agent } = setUp()
    const file = (size: number): WholeFile => ({ size }) as WholeFile
    const files = [file(10), file(20), file(30)]
    const shipper = {
      book: { files: new Map(files.map((one, at) => [`${at}`, one])) },
      revision: 0,
      pendingAt: (name: string) => (name === 'eu' ? files.slice(1) : []),
    } as unknown as WholeShipper
    const amounts = watchAmounts(agent, clock, () => shipper)
    expect(amounts()).toMatchObject({ files: 4, bytes: 60 })
    await clock.advance(5_000)
    const { backlogs } = amounts()
    expect(backlogs.get('eu')).toMatchObject({ bytes: 50, files: 2, sinceMs: clock.monotonic() - 5_000 })
    expect(backlogs.get('us')).toMatchObject({ bytes: 0, files: 0 })
  })
})

it('what files ever had grows by what is appended, whether it is delivered or not', () => {
  const { clock, agent, life, grow, ack } = setUp()
  const counts = new EventCounts()
  const amounts = watchAmounts(agent, clock)
  const ever = (): number => appendedBytes(amounts().backlogs, counts)
  const acked = (name: string, bytes: number): void => {
    const delivery = (life as Life).deliveries.get(name)
    if (delivery === undefined) return
    ack(name, delivery.acked.offset + bytes)
    counts.add({ kind: 'acked', life, delivery, bytes, sent: true })
  }
  grow(100)
  expect(ever()).toBe(100)
  acked('eu', 60)
  expect(ever()).toBe(100)
  acked('eu', 40)
  grow(130)
  expect(ever()).toBe(130)
  acked('eu', 30)
  expect(ever()).toBe(130)
})
