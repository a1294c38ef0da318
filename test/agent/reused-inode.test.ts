import { appendFile, copyFile, truncate, unlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { Files, OpenFile } from '../../src/agent/files/files.ts'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Rig, rig, text, until } from './rig.ts'

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

/** No birth times, and the files of these names have, one after the other, the same inode. */
function reusing(...names: string[]): Files {
  const real = localFiles({ birthTimes: false, spoolDirectory: join(at.state, 'spool') })
  const identity = '0-reused'
  const isOne = (path: string): boolean => names.includes(basename(path))
  const disguise = (file: OpenFile): OpenFile => ({
    identity,
    stat: () => file.stat(),
    read: (into, position) => file.read(into, position),
    close: () => file.close(),
  })
  return {
    ...real,
    async open(path, followSymlinks) {
      const file = await real.open(path, followSymlinks)
      return file && isOne(path) ? disguise(file) : file
    },
    peek(path, followSymlinks) {
      const hint = real.peek(path, followSymlinks)
      return hint && isOne(path) ? { ...hint, identity } : hint
    },
  }
}

describe('an inode that was another file’s, without birth times', () => {
  for (const isRunning of [true, false])
    it(`I1: copytruncate’s copy has it, made ${isRunning ? 'while an agent runs' : 'while none runs'}`, async () => {
      const files = reusing('old', 'app.log.1')
      const [whole, gone] = [text(9_000), `${text(300, 'old')}\n`]
      let daemon = at.daemon({ files })
      await writeFile(join(at.logs, 'old'), gone)
      await writeFile(log, whole)
      await both([gone, whole])
      if (!isRunning) await daemon.kill()
      await unlink(join(at.logs, 'old'))
      if (isRunning)
        await until('forgotten', () => [...daemon.agent.book.all()].every((life) => life.identity !== '0-reused'))
      await appendFile(log, 'unread\n')
      await copyFile(log, `${log}.1`)
      await truncate(log, 0)
      await appendFile(log, 'two\n')
      if (!isRunning) daemon = at.daemon({ files })
      const shipped = [gone, `${whole}unread\n`, 'two\n']
      await both(shipped)
      await until('alias', async () => (await at.aliases()).join() === 'copy')
      await both(shipped)
      await daemon.stop()
    })
})
