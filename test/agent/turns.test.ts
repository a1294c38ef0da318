import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guardLeaks, openFilesBelow } from '../support/leak-guard.ts'
import { type Rig, rig } from './rig.ts'

guardLeaks()

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

const names = Array.from({ length: 24 }, (_, n) => `f${n}.log`)

/** Looks as often as it can at how many logs are open. */
async function mostOpen(work: Promise<unknown>): Promise<number> {
  let isOver = false
  let most = 0
  const watching = (async () => {
    while (!isOver) {
      most = Math.max(most, (await openFilesBelow(at.logs)).length)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  })()
  await work.finally(() => {
    isOver = true
  })
  await watching
  return most
}

describe('more files than may be open at once', () => {
  it('I7, I1: a daemon opens no more, new ones and grown ones take turns, also after a restart', async () => {
    for (const name of names) await writeFile(join(at.logs, name), `${name}\n`)
    let daemon = at.daemon({ openFilesMax: 8 })
    const first = mostOpen(at.delivered(names.map((name) => `${name}\n`)))
    expect(await first).toBeLessThanOrEqual(8)
    for (const name of names) await appendFile(join(at.logs, name), 'more\n')
    await at.delivered(names.map((name) => `${name}\nmore\n`))
    await daemon.kill()
    for (const name of names) await appendFile(join(at.logs, name), 'again\n')
    daemon = at.daemon({ openFilesMax: 8 })
    const second = mostOpen(at.delivered(names.map((name) => `${name}\nmore\nagain\n`)))
    expect(await second).toBeLessThanOrEqual(8)
    expect(await at.gaps()).toEqual([])
    await daemon.stop()
  })

  it('I7, I1: a one-shot run delivers and seals all of them, a few at a time', async () => {
    for (const name of names) await writeFile(join(at.logs, name), `${name}\n`)
    expect(await mostOpen(at.once({ openFilesMax: 8 }))).toBeLessThanOrEqual(8)
    await at.delivered(names.map((name) => `${name}\n`))
    const before = await at.keys('a', '')
    await at.once({ openFilesMax: 8 })
    expect(await at.keys('a', '')).toEqual(before)
  })
})
