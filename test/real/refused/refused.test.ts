import { describe, expect, it, vi } from 'vitest'
import { expectRefusal } from '../expect-refusal.ts'
import { bareStore, openStore, store, storeEnv } from '../store.ts'

for (const [name, value] of Object.entries(storeEnv)) vi.stubEnv(name, value)

describe(`${store.name} does not create only`, () => {
  it('does not keep If-None-Match, or not of 20 writers at once', async () => {
    const bare = await bareStore()
    const winners: number[] = []
    for (let round = 0; round < 10; round++) {
      const bodies = Array.from({ length: 20 }, (_, writer) => `${writer}`)
      const statuses = await Promise.all(bodies.map((body) => bare.create(`race-${round}`, body)))
      winners.push(statuses.filter((status) => status === 200).length)
    }
    bare.close()
    expect(winners).not.toEqual(winners.map(() => 1))
  })

  it('I2: is refused before a byte is sent, with what was seen and what to do', async () => {
    await expectRefusal((await openStore()).bucket)
  })
})
