import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type FaultS3, startFaultS3 } from '../../test/support/fault-s3.ts'
import { DebianRoot, noDebian, type Running } from './debian-root.ts'
import { installBlocks, pageBucket, pageCredentials, pageRegion } from './install-page.ts'
import { succeed } from './programs.ts'

const { deb = '', laterDeb = '' } = inject('built')
const why = noDebian ?? (deb === '' ? 'not run: no dpkg-deb' : undefined)
const state = '/var/lib/logcask'

describe.skipIf(why !== undefined)(`the .deb in a fresh Debian root, without Node${why ? ` (${why})` : ''}`, () => {
  let server: FaultS3
  let root: DebianRoot
  let agent: Running | undefined
  const env = { AWS_REGION: pageRegion, STATE_DIRECTORY: state }

  beforeAll(async () => {
    server = await startFaultS3({ region: pageRegion, buckets: [pageBucket], credentials: pageCredentials })
    root = await DebianRoot.open()
    await root.copy(deb, '/root/logcask_1_test.deb')
    await root.write('/var/log/app.log', 'the first line\n')
  })
  afterAll(async () => {
    await agent?.stop()
    await root?.close()
    await server?.close()
  })

  const delivered = (): string =>
    server.objects
      .keys('prod/segments/')
      .map((key) => String(server.objects.body(key)))
      .join('')

  async function until(what: string, isSo: () => boolean): Promise<void> {
    for (let attempt = 0; attempt < 600 && !isSo(); attempt++) await new Promise((resolve) => setTimeout(resolve, 200))
    if (!isSo()) throw new Error(`never: ${what}\n${agent?.said()}`)
  }

  /** The unit's own command, with what its EnvironmentFile= and STATE_DIRECTORY would give it. */
  async function startAgent(): Promise<Running> {
    const unit = await readFile(root.file('/usr/lib/systemd/system/logcask-agent.service'), 'utf8')
    const command = /^ExecStart=(.*)$/m.exec(unit)?.[1]
    return root.start(['sh', '-c', `set -a; . /etc/logcask/environment; exec ${command}`], env)
  }

  it('has no Node to lean on', async () => {
    expect((await root.sh('command -v node nodejs npm')).code).not.toBe(0)
  })

  it('is installed, as the page says, and starts nothing', async () => {
    const [install] = installBlocks('Debian and Ubuntu')
    await root.succeed(`cd /root; ${install?.text}`)
    expect(await root.succeed('dpkg-query -s logcask')).toContain('Status: install ok installed\n')
    expect(await root.succeed('dpkg --verify logcask')).toBe('')
    expect(await root.succeed('getent passwd logcask-server')).toContain(':/var/lib/logcask-server:')
    expect(await root.succeed("find /etc/systemd /etc/rc*.d -name '*logcask*'")).toBe('')
  })

  it('the default configuration ships nothing, and says what is missing', async () => {
    const { code, stderr } = await root.sh('logcask agent')
    expect(code).toBe(2)
    expect(stderr).toContain('has no sources')
    expect(stderr).toContain('has no destinations')
    const served = await root.sh('logcask serve')
    expect(served.code).toBe(2)
  })

  it('three lines of configuration, the command of its unit, and the first byte is in the bucket', async () => {
    for (const { kind, text } of installBlocks('Debian and Ubuntu', { until: 'From then on' }).slice(1)) {
      if (kind === 'sh service') {
        agent = await startAgent()
        await until('the first byte', () => delivered().includes('the first line\n'))
      } else await root.succeed(`cd /root; ${text}`, env)
      if (text.includes('> /etc/logcask/environment'))
        await root.succeed(`echo AWS_ENDPOINT_URL_S3=${server.endpoint} >> /etc/logcask/environment`)
    }
    expect(await agent?.stop()).toBe(0)
  })

  it('an upgrade keeps the configuration and the state: nothing is sent twice', async () => {
    await root.succeed(`echo '# mine' >> /etc/logcask/agent.yaml; echo later >> /var/log/app.log`)
    await root.copy(laterDeb, '/root/logcask_2_test.deb')
    await root.succeed('DEBIAN_FRONTEND=noninteractive apt-get install -y /root/logcask_2_test.deb </dev/null')
    expect(await root.succeed('dpkg-query -s logcask')).toMatch(/^Version: .*later/m)
    expect(await root.succeed('tail -n 1 /etc/logcask/agent.yaml')).toBe('# mine\n')
    expect(existsSync(root.file('/etc/logcask/agent.d/first.yaml'))).toBe(true)
    agent = await startAgent()
    await until('what came later', () => delivered().includes('later\n'))
    expect(await agent.stop()).toBe(0)
    expect(delivered().split('the first line\n').length - 1).toBe(1)
  })

  it('removal keeps configuration and state; installed again it goes on where it was', async () => {
    await root.succeed('apt-get remove -y logcask')
    expect(existsSync(root.file('/usr/bin/logcask'))).toBe(false)
    for (const path of [`${state}/agent.json`, '/etc/logcask/agent.yaml', '/etc/logcask/agent.d/first.yaml'])
      expect(existsSync(root.file(path)), path).toBe(true)
    await root.succeed('apt-get install -y /root/logcask_2_test.deb; echo again >> /var/log/app.log')
    const before = server.objects.keys('prod/').length
    agent = await startAgent()
    await until('what came then', () => delivered().includes('again\n'))
    expect(await agent.stop()).toBe(0)
    expect(server.objects.keys('prod/').length - before).toBeLessThanOrEqual(3)
    expect(delivered().split('the first line\n').length - 1).toBe(1)
  })

  it('purge asks nothing, removes what is its own, and keeps what exists nowhere else', async () => {
    await root.succeed(`mkdir -p ${state}/spool /var/lib/logcask-server/files
echo rescued > ${state}/spool/x; echo published > /var/lib/logcask-server/files/y; touch /etc/logcask/unrelated`)
    const said = await root.succeed('DEBIAN_FRONTEND=noninteractive apt-get purge -y logcask </dev/null 2>&1')
    expect(said).toContain(`kept ${state}`)
    expect(said).toContain('kept /var/lib/logcask-server')
    expect(await readdir(root.file(state))).toEqual(['spool'])
    expect(await readdir(root.file('/etc/logcask'))).toEqual(expect.arrayContaining(['agent.d', 'unrelated']))
    expect(existsSync(root.file('/etc/logcask/agent.yaml'))).toBe(false)
    expect(existsSync(root.file('/etc/logrotate.d/logcask'))).toBe(false)
    await root.succeed(
      `rm -r ${state}/spool /etc/logcask /var/lib/logcask-server; apt-get install -y /root/logcask_2_test.deb; mkdir -p ${state}; touch ${state}/agent.json`,
    )
    await root.succeed('apt-get purge -y logcask')
    for (const path of [state, '/etc/logcask', '/usr/share/doc/logcask', '/var/lib/logcask-server'])
      expect(existsSync(root.file(path)), path).toBe(false)
  })

  it('is the same each time it is built', async () => {
    const { buildDeb } = await import('../packages/deb.ts')
    const { executable } = inject('built')
    const again = join(root.path, 'tmp')
    const made = await buildDeb(again, executable, process.arch === 'arm64' ? 'arm64' : 'x64', { isQuick: true })
    await succeed('cmp', [deb, made])
  })
})
