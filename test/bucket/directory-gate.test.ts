import { describe, expect, it } from 'vitest'
import { createGate } from '../../src/bucket/directory-gate.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

describe('gate', () => {
  it('I7: lets as many in as it has places, the others in their order', async () => {
    const clock = createVirtualClock()
    const gate = createGate(2)
    const order: string[] = []
    let inside = 0
    let most = 0
    const work = (name: string) =>
      gate.run(async () => {
        most = Math.max(most, ++inside)
        order.push(name)
        await clock.sleep(10)
        inside--
        return name
      })
    expect(await clock.run(Promise.all(['a', 'b', 'c', 'd', 'e'].map(work)))).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(most).toBe(2)
  })

  it('I5: work that hangs keeps its place, and callers leave when aborted', async () => {
    const gate = createGate(1)
    let end = (): void => {}
    const abort = new AbortController()
    const hung = gate.run(() => new Promise<void>((resolve) => (end = resolve)), abort.signal)
    const waiting = gate.run(async () => 'never run', abort.signal)
    const next = gate.run(async () => 'run')
    abort.abort('stop')
    await expect(hung).rejects.toBe('stop')
    await expect(waiting).rejects.toBe('stop')
    end()
    expect(await next).toBe('run')
  })

  it('a failure frees its place, an aborted signal does not take one', async () => {
    const gate = createGate(1)
    await expect(gate.run(async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    await expect(gate.run(async () => 'x', AbortSignal.abort('stop'))).rejects.toBe('stop')
    expect(await gate.run(async () => 'free')).toBe('free')
  })
})
