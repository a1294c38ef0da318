import { describe, expect, it } from 'vitest'
import { footprintOf, type Sample } from '../../src/agent/identity/evidence.ts'
import { type Delivery, type Life, newDelivery, newLife } from '../../src/agent/life.ts'
import { type Mark, standingOf } from '../../src/cli/ship/wait-judge.ts'

const content = Buffer.from('some lines of a log\n')
const mark: Mark = { path: '/log', identity: '0-1', size: content.length, isNamed: true }

function state(acked: number, more: Partial<Life> = {}): { life: Life; delivery: Delivery } {
  const origin = { machine: undefined, path: '/log', identity: '0-1', agent: 'test' }
  const life = newLife({ identity: '0-1', firstGeneration: 0, origin, source: 's', path: '/log', destinations: [] })
  const bytes = content.subarray(0, acked)
  const delivery = { ...newDelivery('a'), stream: '0-1', acked: footprintOf(acked, bytes, bytes) }
  return { life: Object.assign(life, more), delivery }
}
const standing = (at: { life: Life; delivery: Delivery }, now: Buffer = content) => {
  const sample = ({ offset }: { offset: number }): Promise<Sample> =>
    Promise.resolve({ size: now.length, head: now, window: now.subarray(0, offset) })
  return standingOf(mark, at.life, at.delivery, sample)
}

describe('whether what was there at the call is delivered', () => {
  it('by the acked offset', async () => {
    expect(await standing(state(content.length))).toEqual({ kind: 'delivered' })
    expect(await standing(state(5))).toEqual({ kind: 'behind', bytes: content.length - 5 })
  })

  it('not by that of a file that was cut and written anew before the call', async () => {
    expect(await standing(state(content.length), Buffer.from('other lines of that log\n'))).toMatchObject({
      kind: 'behind',
    })
    expect(await standing(state(content.length), content.subarray(0, 3))).toMatchObject({ kind: 'behind' })
  })

  it('cut after the call: what was not delivered by then is lost', async () => {
    const ended = { reason: 'truncated', atMs: 0 } as const
    expect(await standing(state(content.length, { ended }))).toEqual({ kind: 'delivered' })
    expect(await standing(state(5, { ended }))).toEqual({ kind: 'lost' })
  })

  it('a copy, and what is compressed, by the seal of the stream that it belongs to', async () => {
    const at = state(5, { copy: { reason: 'compressed', size: content.length } })
    expect(await standing(at)).toMatchObject({ kind: 'behind' })
    at.delivery.sealed = { length: 5, sha256: '' }
    expect(await standing(at)).toEqual({ kind: 'delivered' })
  })
})
