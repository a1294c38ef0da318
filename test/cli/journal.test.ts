import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

it('ship refuses a systemd journal with the command to use instead, and delivers the other files', async () => {
  const directory = await tempDirectory('journal')
  const logs = join(directory, 'logs')
  await mkdir(logs)
  await writeFile(join(logs, 'system.journal'), Buffer.concat([Buffer.from('LPKSHHRH'), Buffer.alloc(100)]))
  await writeFile(join(logs, 'app.log'), 'a line\n')
  const url = pathToFileURL(join(directory, 'bucket')).href
  const args = ['ship', logs, '--to', url, '--host', 'web-1', '--state', join(directory, 'state')]
  const dry = await commandLine([...args, '--dry-run'])
  expect(dry).toMatchObject({ code: 1, stdout: `7  ${join(logs, 'app.log')}\n` })
  expect(dry.stderr).toContain('journalctl -o export')
  const { code, stderr } = await commandLine(args)
  expect(code).toBe(1)
  expect(stderr).toContain(`${join(logs, 'system.journal')}: is a systemd journal`)
  expect(stderr).toMatch(/^fix: .*journalctl -o export.*journalctl -f -o json >> FILE/m)
  expect((await commandLine(['cat', url, 'web-1', 'app.log'])).stdout).toBe('a line\n')
  expect((await commandLine(['ls', url, 'web-1'])).stdout).not.toContain('system.journal')
})
