import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drainAgent } from '../../src/cli/drain/drain-agent.ts'
import { type Daemon, fastClock, type Rig, rig, until } from '../agent/rig.ts'
import { guardLeaks } from '../support/leak-guard.ts'

guardLeaks()

/** Longer than the test may take: who waits to its end fails. */
const longMs = 40 * 3_600_000
const clock = fastClock()

let at: Rig
let daemon: Daemon
beforeEach(async () => {
  at = await rig(['a', 'b'])
  daemon = at.daemon()
  await writeFile(join(at.logs, 'app.log'), 'one\n')
  for (const name of ['a', 'b']) await at.delivered(['one\n'], name)
})
afterEach(() => at.close())

async function lastLine(): Promise<void> {
  await appendFile(join(at.logs, 'app.log'), 'two\n')
}

const stateOfB = (): string | undefined => daemon.agent.couriers.get('b')?.destination.health.state

describe('draining', () => {
  it('I1: an outage that began a moment before the stop is waited for', async () => {
    at.fault('b', () => ({ kind: 'unavailable' }))
    await lastLine()
    await until('the outage is known', () => stateOfB() === 'unavailable')
    const drained = drainAgent(daemon.agent, undefined, clock, longMs)
    await at.delivered(['one\ntwo\n'])
    at.fault('b', undefined)
    await drained
    await at.delivered(['one\ntwo\n'], 'b')
  })

  it('I5: one that is older than the time there is, is not; all others have everything', async () => {
    at.fault('b', () => ({ kind: 'unavailable' }))
    await lastLine()
    await until('the outage is known', () => stateOfB() === 'unavailable')
    await drainAgent(daemon.agent, undefined, { ...clock, now: () => clock.now() + 2 * longMs }, longMs)
    expect([...(await at.contents()).values()]).toEqual(['one\ntwo\n'])
    expect([...(await at.contents('b')).values()]).toEqual(['one\n'])
  })

  it('I5: nobody waits for one that refuses', async () => {
    at.fault('b', () => ({ kind: 'refused' }))
    await lastLine()
    await drainAgent(daemon.agent, undefined, clock, longMs)
    expect([...(await at.contents()).values()]).toEqual(['one\ntwo\n'])
  })

  it('ends when its time is over', async () => {
    at.fault('b', () => ({ kind: 'hang' }))
    await lastLine()
    await drainAgent(daemon.agent, undefined, clock, 2_000)
    expect([...(await at.contents('b')).values()]).toEqual(['one\n'])
  })
})
