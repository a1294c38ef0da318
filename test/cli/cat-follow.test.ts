import { describe, expect, it } from 'vitest'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { followStream } from '../../src/cli/read/cat-follow.ts'
import { chainStart } from '../../src/format/chain.ts'
import { faultBucket } from '../support/fault-bucket.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { capturedTerminal } from './captured-terminal.ts'

guardLeaks()

const host = 'web-1'
const path = '/var/log/a.log'
const olderStream = '20261120T101500123456789Z-1a2c'
const newerStream = '20261121T101500123456789Z-1a2d'
const hourMs = 3_600_000

/** Follows a stream whose name a newer one has by now, and that nothing has sealed or ended. */
async function follow() {
  const clock = createVirtualClock()
  const store = createMemoryBucket(clock)
  const bucket = faultBucket(store, clock)
  const older = storedStream(store, host, olderStream, path)
  const newer = storedStream(store, host, newerStream, path)
  await older.append('older')
  const { terminal, stdout, stderr } = capturedTerminal()
  const stop = new AbortController()
  const input = { values: {}, positionals: [], terminal, signal: stop.signal, onHangUp: () => () => {}, clock, env: {} }
  const following = followStream(input, bucket, { host, stream: olderStream, path }, chainStart)
  following.catch(() => {})
  await clock.advance(2_000)
  expect(stdout()).toBe('older')
  const end = async (): Promise<void> => {
    stop.abort(new Error('over'))
    await expect(following).rejects.toThrow('over')
  }
  return { clock, bucket, older, newer, stdout, stderr, end }
}

describe('cat --follow of a bucket', () => {
  it('leaves a stream that nothing seals once it has been quiet since a newer one has its name', async () => {
    const { clock, newer, stdout, stderr, end } = await follow()
    await newer.append(' newer')
    await clock.advance(120_000)
    expect(stdout()).toBe('older newer')
    expect(stderr()).toContain(`rotated, going on with stream ${newerStream}`)
    await end()
  })

  it('does not take a store that is away for a stream that is quiet', async () => {
    const { clock, bucket, older, newer, stdout, stderr, end } = await follow()
    await newer.append(' newer')
    bucket.setRule(() => ({ kind: 'unavailable' }))
    await clock.advance(hourMs)
    expect(stderr()).toContain('trying on')
    bucket.setRule(undefined)
    // The agent could not reach it either: its next attempt comes up to half a minute after the store.
    await clock.advance(30_000)
    await older.append(' and its end')
    await clock.advance(120_000)
    expect(stdout()).toBe('older and its end newer')
    await end()
  })
})
