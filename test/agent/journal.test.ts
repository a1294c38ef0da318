import { copyFile, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Rig, rig, until } from './rig.ts'

/** As systemd's journal-def.h has it: signature, flags, state, and what it goes on rewriting. */
const journal = Buffer.concat([Buffer.from('LPKSHHRH'), Buffer.alloc(4096, 7)])

describe('a systemd journal', () => {
  let r: Rig
  afterEach(() => r.close())

  const problems = (): { place: string; message: string; hint?: string | undefined }[] =>
    r.events.filter((event) => event.kind === 'problem')

  it('is refused by what it holds, whatever it is called, and names what to do instead; other files go on', async () => {
    r = await rig()
    await writeFile(join(r.logs, 'system.journal'), journal)
    await writeFile(join(r.logs, 'renamed.log'), journal)
    await writeFile(join(r.logs, 'text.journal'), 'no journal of systemd\n')
    await writeFile(join(r.logs, 'app.log'), 'a line\n')
    r.daemon()
    await r.delivered(['no journal of systemd\n', 'a line\n'])
    await until('both are reported', () => new Set(problems().map(({ place }) => place)).size === 2)
    for (const { message, hint } of problems()) {
      expect(message).toContain('rewritten in place')
      expect(hint).toContain('journalctl -f -o json >>')
    }
  })

  it.each(['fresh.journal', 'fresh.log'])(
    'one that is still empty when it is found is refused, too (%s)',
    async (name) => {
      r = await rig()
      await writeFile(join(r.logs, 'app.log'), 'a line\n')
      const path = join(r.logs, name)
      await writeFile(path, '')
      const { agent } = r.daemon()
      await r.delivered(['a line\n'])
      await agent.scanAgain()
      const handle = await open(path, 'r+')
      await handle.write(journal)
      await handle.close()
      await until('it is reported', () => problems().some(({ place }) => place === path))
      await agent.scanAgain()
      expect(agent.isDrained).toBe(true)
      expect([...(await r.contents()).values()]).toEqual(['a line\n'])
    },
  )

  it('a one-shot run delivers the others, and reports it; an empty file is only empty', async () => {
    r = await rig()
    await writeFile(join(r.logs, 'system.journal'), journal)
    await copyFile(join(r.logs, 'system.journal'), join(r.logs, 'system@0001.journal'))
    await writeFile(join(r.logs, 'app.log'), 'a line\n')
    await writeFile(join(r.logs, 'empty.journal'), '')
    await r.once()
    expect([...(await r.contents()).values()]).toEqual(['a line\n'])
    expect(await r.seals()).toEqual([0])
    expect(
      problems()
        .map(({ place }) => place)
        .sort(),
    ).toEqual([join(r.logs, 'system.journal'), join(r.logs, 'system@0001.journal')])
  })
})
