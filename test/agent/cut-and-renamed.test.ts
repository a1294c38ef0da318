import { appendFile, copyFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Rig, rig, text } from './rig.ts'

guardLeaks()

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const both = async (contents: readonly string[]): Promise<void> => {
  for (const name of ['a', 'b']) await at.delivered(contents, name)
}

/** A copytruncate, and then a rotation by name of both: app.log → app.log.1, its copy app.log.1 → app.log.2. */
async function cutAndRename(after: string): Promise<void> {
  await copyFile(log, `${log}.1`)
  await truncate(log, 0)
  await appendFile(log, after)
  await rename(`${log}.1`, `${log}.2`)
  await rename(log, `${log}.1`)
  await writeFile(log, '')
}

describe('a log is cut, and its file and the copy renamed, while no agent runs', () => {
  for (const withState of [true, false])
    for (const [what, after] of [
      ['written on', 'other\n'],
      ['empty', ''],
    ] as const)
      for (const isSlow of [false, true])
        it(`I1, I3: ${withState ? 'with' : 'without'} the state, ${what}, the stores ${isSlow ? 'slow' : 'fast'}`, async () => {
          const whole = `one\n${text(9_000)}`
          const first = at.daemon()
          await writeFile(log, whole)
          await both([whole])
          await first.kill()
          if (!withState) await at.loseState()
          await appendFile(log, 'unread\n')
          await cutAndRename(after)
          if (isSlow) for (const name of ['a', 'b']) at.fault(name, () => ({ kind: 'slow', ms: 1_000 }))
          const second = at.daemon()
          await both([`${whole}unread\n`, ...(after === '' ? [] : [after])])
          await second.stop()
        })

  it('I1, I3: without the state, by a one-shot run', async () => {
    const whole = text(9_000)
    await writeFile(log, whole)
    await at.once()
    await at.loseState()
    await appendFile(log, 'unread\n')
    await cutAndRename('other\n')
    await at.once()
    await both([`${whole}unread\n`, 'other\n'])
  })
})
