import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Rig, rig } from './rig.ts'

guardLeaks()

let at: Rig
beforeEach(async () => {
  at = await rig()
})
afterEach(() => at.close())

describe('a bucket that lost what the agent knows of', () => {
  it('I1: of a file that is shorter than what was read of it, what it has now is what counts (simulation)', async () => {
    const log = join(at.logs, 'app.log')
    const first = at.daemon()
    await writeFile(log, 'one two\n')
    await at.delivered(['one two\n'])
    await first.stop()
    await at.restore('a', new Map())
    await writeFile(log, 'short\n')
    const second = at.daemon()
    await at.delivered(['short\n'])
    await appendFile(log, 'and more\n')
    await at.delivered(['short\nand more\n'])
    await second.stop()
  })
})
