import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { parse } from 'yaml'
import { configOf } from '../../src/config/load.ts'
import { DebianRoot, noDebian } from './debian-root.ts'

const { deb = '' } = inject('built')
const why = noDebian ?? (deb === '' ? 'not run: no dpkg-deb' : undefined)
const text = await readFile(join(import.meta.dirname, '../cloud-init.yaml'), 'utf8')
const userData: { write_files: { path: string; content: string }[]; runcmd: string[][] } = parse(text)

describe('cloud-init', () => {
  it('is user data, and writes a configuration that the agent takes, where no upgrade asks about it', async () => {
    expect(text.startsWith('#cloud-config\n')).toBe(true)
    const [file] = userData.write_files
    expect(file?.path).toMatch(/^\/etc\/logcask\/agent\.d\/.*\.yaml$/)
    const config = await configOf(parse(file?.content ?? ''), 'cloud-init', {})
    expect(config).toMatchObject({ host: '{instance_id}' })
  })
})

describe.skipIf(why !== undefined)(`cloud-init on a Debian root${why ? ` (${why})` : ''}`, () => {
  let root: DebianRoot
  beforeAll(async () => {
    root = await DebianRoot.open('cloud-init')
  })
  afterAll(() => root?.close())

  it('finds nothing wrong with it, and would', async () => {
    await root.write('/root/user-data', text)
    const { code, stdout, stderr } = await root.sh('cloud-init schema --config-file /root/user-data')
    expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' })
    await root.write('/root/wrong', text.replace('write_files:', 'write_files: 7\nwrite_filez:'))
    expect((await root.sh('cloud-init schema --config-file /root/wrong')).code).not.toBe(0)
  })

  it('its commands install what has the checksum, and nothing else', async () => {
    for (const { path, content } of userData.write_files)
      await root.write(path, content.replace('{instance_id}', '{hostname}'))
    await root.copy(deb, '/root/there.deb')
    const stub = async (name: string, script: string): Promise<void> => {
      await root.write(`/usr/local/bin/${name}`, `#!/bin/sh\n${script}\n`)
      await root.succeed(`chmod +x /usr/local/bin/${name}`)
    }
    // The fetch, and the service manager of a machine that is not booted.
    await stub('curl', 'while [ "$1" != --output ]; do shift; done; cp /root/there.deb "$2"')
    await stub('systemctl', 'echo "$@" >> /root/systemctl')
    const [[shell = '', options = '', script = ''] = []] = userData.runcmd
    const runScript = async (body: string) => {
      await root.write('/root/script', body)
      return root.sh(`${shell} ${options.replace('c', '')} /root/script`)
    }
    expect((await runScript(script)).code).not.toBe(0)
    expect((await root.sh('command -v logcask')).code).not.toBe(0)

    const sum = createHash('sha256')
      .update(await readFile(deb))
      .digest('hex')
    const { code, stdout, stderr } = await runScript(script.replace(/^sum=0+$/m, `sum=${sum}`))
    expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' })
    expect(await root.succeed('tail -n 1 /root/systemctl')).toBe('enable --now logcask-agent logcask-farewell\n')
  })
})
