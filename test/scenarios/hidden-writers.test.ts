import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { startLogcask, until } from './logcask-process.ts'
import { contentsOf, holdingsBelow } from './stored-content.ts'

guardLeaks()

const inNamespace = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--']
const why = cannotUnshare() ? ' (not run: no namespaces for this user)' : ''

/** A container, a pod, a unit with ProtectProc=invisible: /proc is there, and shows some processes only. */
describe.skipIf(why !== '')(`an agent that cannot see other processes${why}`, () => {
  it('I6: a deleted file that one of them still writes to is not sealed at a stop: its end is a gap', async () => {
    const directory = await tempDirectory('hidden')
    const log = join(directory, 'app.log')
    const bucket = join(directory, 'bucket')
    const writer = await open(log, 'a')
    try {
      await writer.write('one\n')
      const args = ['agent', log, '--to', `file://${bucket}`, '--state', join(directory, 'state')]
      const agent = startLogcask(args, { by: inNamespace })
      const stored = async () => [...contentsOf(await holdingsBelow(bucket)).values()]
      await until('delivered', async () => (await stored()).some(({ content }) => String(content) === 'one\n'), {
        context: agent.stderr,
      })
      await unlink(log)
      const [inside = ''] = readFileSync(`/proc/${agent.process.pid}/task/${agent.process.pid}/children`, 'utf8').split(
        ' ',
      )
      process.kill(Number(inside), 'SIGTERM')
      expect((await agent.ended).code).toBe(0)
      // It does write on.
      await writer.write('two\n')
      startLogcask(args, { by: inNamespace })
      await until('a gap', async () => (await stored())[0]?.gaps.length === 1, { context: agent.stderr })
      const [life] = await stored()
      expect({ seals: life?.seals, gaps: life?.gaps }).toEqual({ seals: [], gaps: [expect.stringMatching(/^4-/)] })
    } finally {
      await writer.close()
    }
  })
})

function cannotUnshare(): boolean {
  const [program = '', ...args] = inNamespace
  try {
    execFileSync(program, [...args, 'true'], { stdio: 'ignore' })
    return false
  } catch {
    return true
  }
}
