import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Hint } from '../../src/agent/files/watch.ts'
import { type Rig, rig } from './rig.ts'

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig()
  log = join(at.logs, 'x.log')
  await writeFile(log, 'content 0\n')
})
afterEach(() => at.close())

/** A file made where nobody watches takes the log's name. */
async function replace(content: string): Promise<void> {
  await writeFile(join(at.directory, 'made-elsewhere'), content)
  await rename(join(at.directory, 'made-elsewhere'), log)
}

const scanIntervalMs = 1_000_000_000

describe('a file that is replaced under its name', () => {
  it('I1: is opened at the first hint, also where that says only "changed"', async () => {
    let tell: (hint: Hint) => void = () => {}
    const watch = (hint: (hint: Hint) => void) => {
      tell = hint
      return { close: () => Promise.resolve() }
    }
    const daemon = at.daemon({ scanIntervalMs, watch })
    await at.delivered(['content 0\n'])
    for (let n = 1; n <= 4; n++) {
      await replace(`content ${n}\n`)
      tell({ path: log, appeared: false })
      await at.delivered(Array.from({ length: n + 1 }, (_, i) => `content ${i}\n`))
    }
    await daemon.stop()
  })

  it('I1: is found without any hint: what was there before has lost its name', async () => {
    const daemon = at.daemon({ scanIntervalMs })
    await at.delivered(['content 0\n'])
    await replace('content 1\n')
    await at.delivered(['content 0\n', 'content 1\n'])
    await daemon.stop()
  })

  it('I1: is found where the former one was moved out of sight', async () => {
    await mkdir(join(at.directory, 'away'))
    const daemon = at.daemon({ scanIntervalMs, source: { olddir: '../away' } })
    await at.delivered(['content 0\n'])
    await rename(log, join(at.directory, 'away', 'x.log.1'))
    await writeFile(log, 'content 1\n')
    await at.delivered(['content 0\n', 'content 1\n'])
    await daemon.stop()
  })

  it('I1: is delivered by an agent that is asked to stop: a drain begins with a scan', async () => {
    const agent = at.agent({ scanIntervalMs })
    const stop = new AbortController()
    const running = agent.run(stop.signal)
    await at.delivered(['content 0\n'])
    await replace('content 1\n')
    await agent.scanAgain()
    while (!agent.isDrained) await new Promise((resolve) => setImmediate(resolve))
    stop.abort(new Error('stopped'))
    await running
    expect([...(await at.contents()).values()].sort()).toEqual(['content 0\n', 'content 1\n'])
  })
})
