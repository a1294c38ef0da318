import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { tempDirectory } from '../support/temp-directory.ts'

async function load(settings: string) {
  const file = join(await tempDirectory('config'), 'agent.yaml')
  await writeFile(
    file,
    `sources: [{ name: a, include: ["/var/log/a"] }]\ndestinations: [{ url: "s3://logs" }]\n${settings}\n`,
  )
  return (await loadConfig(file, {})).config
}

describe('where the agent can be asked, and where it logs', () => {
  it('is nowhere, and stderr, unless it is said', async () => {
    expect(await load('')).toMatchObject({ listen: undefined, log: { level: 'info' } })
  })

  it('is an address of this machine, and a file', async () => {
    expect(await load('listen: "127.0.0.1:9464"\nlog: { file: /var/log/logcask/agent.log }')).toMatchObject({
      listen: { kind: 'tcp', host: '127.0.0.1', port: 9464 },
      log: { level: 'info', file: '/var/log/logcask/agent.log' },
    })
    expect((await load('listen: unix:/run/a.sock')).listen).toEqual({ kind: 'unix', path: '/run/a.sock' })
  })

  it('is refused where others could reach it, with line and remedy', async () => {
    await expect(load('listen: "0.0.0.0:9464"')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('agent.yaml:3: listen: 0.0.0.0:9464: 0.0.0.0 can be reached from elsewhere'),
      hint: expect.stringContaining('listen on 127.0.0.1:9464'),
    })
    await expect(load('log: { file: agent.log }')).rejects.toMatchObject({ code: 'invalid' })
  })
})
