import { describe, expect, it } from 'vitest'
import { createLimiter, forEachConcurrently } from '../../src/base/concurrency.ts'

/** Works that end when they are told to. */
function works() {
  const started: number[] = []
  const ends = new Map<number, { resolve(): void; reject(error: Error): void }>()
  return {
    started,
    run: (number: number): Promise<void> =>
      new Promise((resolve, reject) => {
        started.push(number)
        ends.set(number, { resolve, reject })
      }),
    async end(number: number, error?: Error): Promise<void> {
      const work = ends.get(number)
      if (error) work?.reject(error)
      else work?.resolve()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('forEachConcurrently', () => {
  it('keeps as many under way as it may, and takes no item before there is a place', async () => {
    const { run, end, started } = works()
    let taken = 0
    const items = (function* () {
      for (; taken < 4; ) yield taken++
    })()
    const done = forEachConcurrently(items, 2, run)
    await end(-1)
    expect([started, taken]).toEqual([[0, 1], 2])
    await end(1)
    expect([started, taken]).toEqual([[0, 1, 2], 3])
    for (const number of [0, 2, 3]) await end(number)
    await done
    expect(started).toEqual([0, 1, 2, 3])
  })

  it('after a failure takes no more, waits for what is under way, and rejects', async () => {
    const { run, end, started } = works()
    let isSettled = false
    const done = forEachConcurrently([0, 1, 2, 3], 2, run)
    done
      .catch(() => {})
      .finally(() => {
        isSettled = true
      })
    await end(-1)
    await end(0, new Error('first'))
    expect([started, isSettled]).toEqual([[0, 1], false])
    await end(1, new Error('second'))
    await expect(done).rejects.toThrow('first')
    expect(started).toEqual([0, 1])
  })

  it('rejects as the source does, after what is under way', async () => {
    const { run, end } = works()
    const items = (async function* () {
      yield 0
      throw new Error('source')
    })()
    const done = forEachConcurrently(items, 2, run)
    done.catch(() => {})
    await end(-1)
    await end(0)
    await expect(done).rejects.toThrow('source')
  })
})

describe('limiter', () => {
  it('runs so many at once, the others in order, also after a failure', async () => {
    const { run, end, started } = works()
    const limiter = createLimiter(2)
    const all = [0, 1, 2, 3].map((number) => limiter(() => run(number)).catch((error: Error) => error.message))
    await end(-1)
    expect(started).toEqual([0, 1])
    await end(0, new Error('no'))
    expect(started).toEqual([0, 1, 2])
    for (const number of [1, 2, 3]) await end(number)
    expect(await Promise.all(all)).toEqual(['no', undefined, undefined, undefined])
    const last = limiter(() => run(4))
    await end(4)
    await last
  })
})
