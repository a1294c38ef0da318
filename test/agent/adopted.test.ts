import { appendFile, copyFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Rig, rig, text, until } from './rig.ts'

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const content = text(70_000)
const both = async (contents: readonly string[]): Promise<void> => {
  for (const name of ['a', 'b']) await at.delivered(contents, name)
}

/** As restored from a backup or moved across file systems: same path and bytes, another inode. */
async function restored(more = ''): Promise<void> {
  await copyFile(log, join(at.directory, 'kept'))
  await unlink(log)
  await writeFile(join(at.directory, 'filler'), 'keeps the inode from being used again')
  await copyFile(join(at.directory, 'kept'), log)
  if (more !== '') await appendFile(log, more)
}

describe('adopt', () => {
  for (const withState of [true, false]) {
    it(`I1: restored at its path it goes on in its stream, ${withState ? 'with' : 'without'} state, and as it grows, and after restarts`, async () => {
      await writeFile(log, content)
      const first = at.daemon()
      await both([content])
      await first.kill()
      await restored('more\n')
      if (!withState) await at.loseState()
      const second = at.daemon()
      await both([`${content}more\n`])
      await appendFile(log, 'and on\n')
      await both([`${content}more\nand on\n`])
      await second.stop()
      await appendFile(log, 'after a restart\n')
      const third = at.daemon()
      await both([`${content}more\nand on\nafter a restart\n`])
      await third.stop()
    })
  }

  it('I3: the alias is enough when the state is deleted; the file goes on growing in that stream', async () => {
    await writeFile(log, content)
    const first = at.daemon()
    await both([content])
    await first.kill()
    await restored()
    const second = at.daemon()
    await until('aliases', async () => (await at.aliases('a')).length === 1 && (await at.aliases('b')).length === 1)
    await second.kill()
    await at.loseState()
    await appendFile(log, 'more\n')
    const third = at.daemon()
    await both([`${content}more\n`])
    await appendFile(log, 'and on\n')
    await both([`${content}more\nand on\n`])
    expect(await at.aliases()).toEqual(['adopted'])
    await third.stop()
  })

  it('another machine’s stream is never adopted', async () => {
    await writeFile(log, content)
    const first = at.daemon()
    await both([content])
    await first.kill()
    await restored()
    await at.loseState()
    const second = at.daemon({ machine: 'machine-2' })
    await both([content, content])
    await second.stop()
  })

  it('less than 64 KiB is chance: a stream of its own', async () => {
    await writeFile(log, 'short\n')
    const first = at.daemon()
    await both(['short\n'])
    await first.kill()
    await restored()
    const second = at.daemon()
    await both(['short\n', 'short\n'])
    expect(await at.aliases()).toEqual([])
    await second.stop()
  })
})

describe('copies: ignore', () => {
  it('does not ship a file whose bytes another present file has; one that grows apart is shipped', async () => {
    const source = { copies: 'ignore' as const }
    await writeFile(log, content)
    await copyFile(log, join(at.logs, 'copy'))
    await at.once({ source })
    await both([content])
    await appendFile(join(at.logs, 'copy'), 'and more')
    await at.once({ source })
    await both([content, `${content}and more`])
  })

  it('is not asked for by default, and never for less than 64 KiB', async () => {
    await writeFile(log, 'short')
    await copyFile(log, join(at.logs, 'copy'))
    await at.once({ source: { copies: 'ignore' } })
    await both(['short', 'short'])
  })
})
