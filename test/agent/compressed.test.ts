import { appendFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { fastClock, type Rig, rig, text, until } from './rig.ts'

guardLeaks()

let at: Rig
let log: string
beforeEach(async () => {
  at = await rig(['a', 'b'])
  log = join(at.logs, 'app.log')
})
afterEach(() => at.close())

const down = () => ({ kind: 'unavailable' }) as const
const both = async (contents: readonly string[]): Promise<void> => {
  for (const name of ['a', 'b']) await at.delivered(contents, name)
}
const aliased = (): Promise<void> =>
  until('aliases', async () => {
    for (const name of ['a', 'b']) if ((await at.aliases(name)).join() !== 'compressed') return false
    return true
  })

const content = text(5_000)
const kinds = [
  ['gz', gzipSync],
  ['zst', zstdCompressSync],
] as const

for (const [ending, compress] of kinds) {
  describe(`compressed rotations, .${ending}`, () => {
    const packed = `app.log.1.${ending}`

    it('I1: what was delivered and sealed gets an alias, and no byte again; so it stays after restarts', async () => {
      const daemon = at.daemon()
      await writeFile(log, content)
      await both([content])
      await rename(log, `${log}.1`)
      await writeFile(log, '')
      await until('sealed', async () => (await at.seals()).length === 1 && (await at.seals('b')).length === 1)
      await writeFile(join(at.logs, packed), compress(content))
      await unlink(`${log}.1`)
      await aliased()
      await both([content])
      await daemon.stop()
      for (const withState of [true, true, false]) {
        if (!withState) await at.loseState()
        const again = at.daemon()
        await appendFile(log, 'x')
        await until('shipped', () => again.events.some((event) => event.kind === 'acked'))
        await again.stop()
        expect(again.events.filter((event) => event.kind === 'problem')).toEqual([])
      }
      await both([content, 'xxx'])
      expect(await at.gaps()).toEqual([])
    })

    it('I1: one that was deleted before it was judged is no less a copy, though its old name minus the ending is in use', async () => {
      const daemon = at.daemon()
      await writeFile(log, content)
      await both([content])
      await rename(log, `${log}.1`)
      await writeFile(log, '')
      await until('sealed', async () => (await at.seals()).length === 1 && (await at.seals('b')).length === 1)
      await writeFile(join(at.logs, packed), compress(content))
      const isOpen = (): boolean => [...daemon.agent.book.current.values()].some((life) => life.path.endsWith(packed))
      await until('it is open', isOpen)
      await unlink(`${log}.1`)
      // The next rotation takes the name; the compressed one goes for good.
      await writeFile(`${log}.1`, 'another file\n')
      await unlink(join(at.logs, packed))
      await both([content, 'another file\n'])
      await aliased()
      await both([content, 'another file\n'])
      await daemon.stop()
    })

    it('I1: the rest that only the compressed file has ends the stream', async () => {
      const daemon = at.daemon({ source: { sealAfterMs: 20_000 } })
      await writeFile(log, content)
      await both([content])
      await daemon.kill()
      await appendFile(log, 'the rest\n')
      await writeFile(join(at.logs, packed), compress(`${content}the rest\n`))
      await rename(log, `${log}.1`)
      await unlink(`${log}.1`)
      await rename(join(at.logs, packed), join(at.logs, `app.log.${ending}`))
      const second = at.daemon()
      await both([`${content}the rest\n`])
      await aliased()
      await until('sealed', async () => (await at.seals()).length === 1)
      expect(await at.seals()).toEqual([content.length + 9])
      await second.stop()
      const third = at.daemon()
      await until('explored', () => third.agent.isExplored)
      await both([`${content}the rest\n`])
      await third.stop()
    })

    it('I5: a destination that was down gets the rest from it, the other nothing twice', async () => {
      const daemon = at.daemon()
      await writeFile(log, content)
      await both([content])
      await rename(log, `${log}.1`)
      at.fault('b', down)
      await appendFile(`${log}.1`, 'late\n')
      await writeFile(log, 'next\n')
      await until('sealed', async () => (await at.seals()).length === 1)
      await daemon.stop()
      await writeFile(join(at.logs, packed), compress(`${content}late\n`))
      await unlink(`${log}.1`)
      at.fault('b', undefined)
      const second = at.daemon()
      await both([`${content}late\n`, 'next\n'])
      await aliased()
      await both([`${content}late\n`, 'next\n'])
      await second.stop()
    })

    it.each([
      ['with its state', true],
      ['without', false],
    ])('I1: a stream that grew past its seal is unsealed: its compressed file ends it, %s', async (_, hasState) => {
      const first = at.daemon()
      await writeFile(log, content)
      await both([content])
      await rename(log, `${log}.1`)
      await until('sealed', async () => (await at.seals()).length === 1 && (await at.seals('b')).length === 1)
      await first.stop()
      const second = at.daemon({ source: { sealAfterMs: 3_600_000 } })
      await appendFile(`${log}.1`, 'late\n')
      await both([`${content}late\n`])
      await second.kill()
      if (!hasState) await at.loseState()
      await writeFile(join(at.logs, packed), compress(`${content}late\nlast\n`))
      await unlink(`${log}.1`)
      const third = at.daemon()
      await aliased()
      await both([`${content}late\nlast\n`])
      await third.stop()
    })

    it('I1: an original that went where no scan saw it go is missing, as its descriptor says', async () => {
      const files = localFiles({ birthTimes: true, spoolDirectory: join(at.state, 'spool') })
      let isBlind = false
      let before: ReturnType<typeof files.peek>
      const daemon = at.daemon({
        files: {
          ...files,
          scan: async (sources) => {
            const scan = await files.scan(sources)
            // It began before the file went.
            if (isBlind) scan.found.set(log, 'logs')
            return scan
          },
          peek: (path, follow) => (isBlind && path === log ? before : files.peek(path, follow)),
        },
      })
      await writeFile(log, content)
      await both([content])
      // So quiet that it is asked every ten seconds only.
      await fastClock().sleep(30_000)
      before = files.peek(log, false)
      isBlind = true
      await writeFile(join(at.logs, packed), compress(content))
      await unlink(log)
      await aliased()
      await both([content])
      await daemon.stop()
    })

    it('a cut one, one that is not what it says, and one of nobody are files like any other', async () => {
      const cut = compress(text(9_000, 'cut')).subarray(0, 500)
      const own = compress(text(500, 'own'))
      await writeFile(join(at.logs, `cut.log.${ending}`), cut)
      await writeFile(join(at.logs, `text.log.${ending}`), 'no such thing')
      await writeFile(join(at.logs, `own.log.${ending}`), own)
      const daemon = at.daemon()
      await both([cut.toString('latin1'), 'no such thing', own.toString('latin1')])
      await daemon.stop()
      await at.once()
      await both([cut.toString('latin1'), 'no such thing', own.toString('latin1')])
      expect(await at.aliases()).toEqual([])
    })

    it('I1: one-shot after one-shot: delivered already, and a second one with state does not ship it raw', async () => {
      await writeFile(log, content)
      await at.once()
      await unlink(log)
      await writeFile(join(at.logs, packed), compress(content))
      await at.once()
      await aliased()
      await at.once()
      await at.loseState()
      await at.once()
      await both([content])
    })
  })
}
