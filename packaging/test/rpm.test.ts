import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { DebianRoot, noDebian } from './debian-root.ts'
import { installBlocks } from './install-page.ts'
import { type Ended, hasProgram, run, succeed } from './programs.ts'

const { rpm = '', laterRpm = '' } = inject('built')
const why = rpm === '' || !hasProgram('rpm') ? 'not run: no rpmbuild (apt-get install rpm)' : noDebian

describe.skipIf(why !== undefined)(`the .rpm${why ? ` (${why})` : ''}`, () => {
  let root: DebianRoot
  beforeAll(async () => {
    // Debian beneath: what the scripts call is on every distribution; what it depends on is said, and not looked for.
    root = await DebianRoot.open()
  })
  afterAll(() => root?.close())

  const rpmIn = (...args: string[]): Promise<Ended> => run('rpm', ['--root', root.path, '--nodeps', ...args])

  it('says what it needs, and which files are the operator’s', async () => {
    const needs = await succeed('rpm', ['-qp', '--requires', rpm])
    expect(needs).toContain('glibc >= 2.28')
    expect(needs).toContain('libstdc++')
    expect(await succeed('rpm', ['-qpc', rpm])).toBe(
      '/etc/logcask/agent.yaml\n/etc/logcask/server.yaml\n/etc/logrotate.d/logcask\n',
    )
    // As a package of rpm's own kind has them: root's, and no setuid.
    const listed = (await succeed('rpm', ['-qplv', rpm])).trim().split('\n')
    for (const line of listed) expect(line).toMatch(/^[dl-][rwx-]{9}\s+\d+ root\s+root\s/)
  })

  it('holds the same files as the .deb', async () => {
    const { deb = '' } = inject('built')
    const inDeb = await succeed('sh', ['-c', `dpkg-deb --fsys-tarfile '${deb}' | tar -t`])
    const files = inDeb
      .split('\n')
      .filter((path) => path !== '' && !path.endsWith('/'))
      .map((path) => path.slice(1))
    const inRpm = new Set((await succeed('rpm', ['-qpl', rpm])).trim().split('\n'))
    for (const path of files) expect(inRpm.has(path), path).toBe(true)
  })

  it('is installed, upgraded and removed; changed configuration and the state stay', async () => {
    // As docs/install.md says.
    expect(installBlocks('Fedora, RHEL, Amazon Linux').map(({ text }) => text)).toEqual(['rpm -U logcask-*.rpm\n'])
    const installed = await rpmIn('-U', rpm)
    expect({ code: installed.code, said: complaints(installed) }).toEqual({ code: 0, said: '' })
    expect(await root.succeed('logcask --version')).toMatch(/^\d/)
    expect(await root.succeed('getent passwd logcask-server')).toContain('logcask-server')
    await root.succeed(`echo '# mine' >> /etc/logcask/agent.yaml; mkdir -p /var/lib/logcask; touch /var/lib/logcask/agent.json
echo 'host: a' > /etc/logcask/agent.d/first.yaml`)
    const upgraded = await rpmIn('-U', laterRpm)
    expect({ code: upgraded.code, said: complaints(upgraded) }).toEqual({ code: 0, said: '' })
    expect(await root.succeed('tail -n 1 /etc/logcask/agent.yaml')).toBe('# mine\n')
    expect((await rpmIn('-e', 'logcask')).code).toBe(0)
    expect(existsSync(root.file('/usr/bin/logcask'))).toBe(false)
    for (const path of [
      '/etc/logcask/agent.yaml.rpmsave',
      '/etc/logcask/agent.d/first.yaml',
      '/var/lib/logcask/agent.json',
    ])
      expect(existsSync(root.file(path)), path).toBe(true)
  })
})

/** But for what Debian's rpm says to everybody. */
function complaints({ stderr }: Ended): string {
  return stderr.replace(/^rpm: (RPM should not be used|However assuming).*\n/gm, '')
}
