import { writeFileSync } from 'node:fs'
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Rig, rig, text, until } from './rig.ts'

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

it('I5, I7: more in the spool than files may be open: what is new is delivered to the store that answers', async () => {
  const options = { spoolBytes: 1 << 30, source: { sealAfterMs: 3_600_000 } }
  for (const name of ['a', 'b']) at.fault(name, () => ({ kind: 'unavailable' }))
  const first = at.daemon(options)
  const names = ['1', '2', '3', '4'].map((name) => join(at.logs, `${name}.log`))
  for (const name of names) writeFileSync(name, text(9_000, name))
  await until('all are seen', () => [...first.agent.book.all()].filter(({ size }) => size === 9_000).length === 4)
  await Promise.all(names.map((name) => unlink(name)))
  const entries = async (): Promise<number> =>
    (await readdir(join(at.state, 'spool')).catch(() => [])).filter((name) => name.endsWith('.json')).length
  await until('all are kept', async () => (await entries()) === 4)
  await first.stop()
  at.fault('a', undefined)
  const second = at.daemon({ ...options, openFilesMax: 2 })
  writeFileSync(join(at.logs, 'new.log'), 'new\n')
  await at.delivered([...names.map((name) => text(9_000, name)), 'new\n'])
  expect(await entries()).toBe(4)
  await second.stop()
})
