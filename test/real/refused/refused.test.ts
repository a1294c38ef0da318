import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { logcask } from '../../scenarios/logcask-process.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
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

  it('I2: ship ends with 1, and has sent nothing', async () => {
    const directory = await tempDirectory('refused')
    const log = join(directory, 'a.log')
    await writeFile(log, 'a line\n')
    const { name, close } = await bareStore()
    close()
    const env = storeEnv
    const ship = ['ship', log, '--to', `s3://${name}`, '--host', 'web-1', '--state', join(directory, 'state')]
    const { code, stderr } = await logcask(ship, { env })
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('nothing was sent') })
    expect(stderr).toMatch(/fix: /)
    expect((await logcask(['ls', `s3://${name}`], { env })).stdout.toString()).toBe('')
  })
})
