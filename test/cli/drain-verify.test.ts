import { describe, expect, it } from 'vitest'
import type { Files, OpenFile } from '../../src/agent/files/files.ts'
import type { Delivery, Life } from '../../src/agent/life.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { verifyDelivered } from '../../src/cli/drain/drain-verify.ts'
import { storedStream } from '../support/stored-stream.ts'

const host = 'web-1'
const stream = '20261119T101500123456789Z-1a2b'

/** One file that three destinations have, sealed. */
async function setUp() {
  const buckets = ['a', 'b', 'c'].map((name) => ({ name, bucket: createMemoryBucket(systemClock, { name }) }))
  const stored = buckets.map(({ bucket }) => storedStream(bucket, host, stream, '/var/log/app.log'))
  for (const one of stored) {
    await one.append('all of it')
    await one.seal()
  }
  const sealed = { length: 9, sha256: stored[0]?.sha256 ?? '' }
  const content = Buffer.from('all of it')
  let bytesRead = 0
  const file = {
    identity: 'x',
    stat: () => ({ size: content.length }),
    async read(into: Uint8Array, position: number) {
      const length = content.copy(into, 0, position)
      bytesRead += length
      return length
    },
    close: async () => {},
  } as unknown as OpenFile
  const deliveries = new Map(
    buckets.map(({ name }) => [name, { destination: name, stream, sealed, isBeyond: false } as unknown as Delivery]),
  )
  const life = { path: '/var/log/app.log', identity: 'x', size: 9, deliveries } as unknown as Life
  const couriers = new Map(buckets.map(({ name, bucket }) => [name, { destination: { bucket } }]))
  const agent = { couriers } as unknown as Parameters<typeof verifyDelivered>[0]
  const files = { open: async () => file } as unknown as Files
  const verify = () => verifyDelivered(agent, [life], host, files, new AbortController().signal)
  return { verify, stored, content, read: () => bytesRead }
}

describe('drain asks anew', () => {
  it('reads each file once, however many destinations have it', async () => {
    const { verify, read } = await setUp()
    expect(await verify()).toEqual([])
    expect(read()).toBe(9)
  })

  it('tells a file that is not what was delivered, and a destination that lacks its seal', async () => {
    const { verify, content } = await setUp()
    content.write('ALL')
    const problem = 'its bytes on this machine are not those that were delivered'
    expect(await verify()).toMatchObject([{ problem }, { problem }, { problem }])
  })

  it('I6: an open gap is told of the destination that has it, as a loss; one that a seal closes is none', async () => {
    const { verify, stored } = await setUp()
    await stored[0]?.gap('truncated', 5)
    await stored[1]?.gap('gone', 9, 100)
    await stored[2]?.gap('gone', 50)
    await stored[2]?.gap('diverged', 60)
    expect(await verify()).toEqual([
      { path: '/var/log/app.log', destination: 'b', problem: 'has a gap there: 91 B gone unread', isLoss: true },
      { path: '/var/log/app.log', destination: 'c', problem: 'has a gap there: gone unread from 50 on', isLoss: true },
    ])
  })
})
