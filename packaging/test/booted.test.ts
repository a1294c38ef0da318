import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type FaultS3, startFaultS3 } from '../../test/support/fault-s3.ts'
import { BootedRoot, noBoot } from './booted-root.ts'
import { DebianRoot } from './debian-root.ts'
import { installBlocks, pageBucket, pageCredentials, pageRegion } from './install-page.ts'

const { deb, laterDeb } = inject('built')
const why = noBoot ?? (deb === undefined ? 'not run: no dpkg-deb' : undefined)
const debian = 'Debian and Ubuntu'

describe.skipIf(why !== undefined)(
  `docs/install.md on a Debian that has just been booted${why ? ` (${why})` : ''}`,
  () => {
    let server: FaultS3
    let root: DebianRoot
    let machine: BootedRoot
    let startedMs = 0
    let firstByteMs: number | undefined

    beforeAll(async () => {
      server = await startFaultS3({ region: pageRegion, buckets: [pageBucket], credentials: pageCredentials })
      root = await DebianRoot.open('systemd', 'systemd-sysv')
      await root.copy(deb ?? '', '/root/logcask_1_test.deb')
      await root.write('/var/log/app.log', 'the first line\n')
      machine = await BootedRoot.boot(root)
    })
    afterAll(async () => {
      await machine?.close()
      await root?.close()
      await server?.close()
    })

    const segments = (): string[] => server.objects.keys('prod/segments/')
    const delivered = (): string =>
      segments()
        .map((key) => String(server.objects.body(key)))
        .join('')

    async function follow(part: { from?: string; until?: string }): Promise<void> {
      for (const { kind, text } of installBlocks(debian, part)) {
        if (kind !== 'sh' && kind !== 'sh service') throw new Error(`nobody knows what to do with a block of ${kind}`)
        await machine.succeed(`cd /root\n${text}`)
        // The one thing that the page does not say: this bucket is on loopback.
        if (text.includes('> /etc/logcask/environment'))
          await machine.succeed(`echo AWS_ENDPOINT_URL_S3=${server.endpoint} >> /etc/logcask/environment`)
        if (firstByteMs === undefined && delivered() !== '') firstByteMs = Date.now() - startedMs
      }
    }

    it('from nothing to the first byte in a bucket, each step as written', async () => {
      startedMs = Date.now()
      await follow({ until: 'From then on' })
      await machine.until('delivered', async () => delivered().includes('the first line\n'))
      expect(segments().every((key) => key.startsWith('prod/segments/web-1/'))).toBe(true)
      expect(firstByteMs ?? Date.now() - startedMs).toBeLessThan(5 * 60_000)
    })

    it('systemd has heard that it is ready, and how it stands; it is a user of its own', async () => {
      expect(await machine.show('logcask-agent', 'ActiveState')).toBe('active')
      expect(await machine.show('logcask-agent', 'StatusText')).toMatch(/\d+ files? · .* ok/)
      expect(await machine.show('logcask', 'MainPID')).toBe(await machine.show('logcask-agent', 'MainPID'))
      const pid = await machine.show('logcask-agent', 'MainPID')
      const uid = Number((await machine.succeed(`stat -c %u /proc/${pid}`)).trim())
      expect(uid).toBeGreaterThanOrEqual(61184)
      // CAP_DAC_READ_SEARCH, and no other.
      expect(await machine.succeed(`grep CapEff /proc/${pid}/status`)).toMatch(/:\s0{15}4$/m)
    })

    it('reads what only root may, and cannot write beside its own directories', async () => {
      await machine.succeed(`install -m 600 /dev/null /var/log/secret.log; echo secret > /var/log/secret.log`)
      await machine.until('delivered', async () => delivered().includes('secret\n'))
      const pid = await machine.show('logcask-agent', 'MainPID')
      const mounts = await machine.succeed(`grep -E ' (/|/var/lib/private/logcask) ' /proc/${pid}/mountinfo`)
      expect(mounts).toMatch(/ \/ ro,/)
      expect(mounts).toMatch(/ \/var\/lib\/private\/logcask rw,/)
    })

    it('systemctl reload takes another configuration, without another process', async () => {
      const pid = await machine.show('logcask-agent', 'MainPID')
      await machine.succeed(`mkdir -p /srv/more; echo more > /srv/more/a.log; cat > /etc/logcask/agent.d/more.yaml <<'EOF'
sources: [{ name: more, include: ["/srv/more/*.log"] }]
EOF`)
      const [block] = installBlocks(debian, { from: 'From then on', until: 'What the service may do' })
      await machine.succeed(block?.text ?? '')
      await machine.until('delivered', async () => delivered().includes('more\n'))
      expect(await machine.show('logcask-agent', 'MainPID')).toBe(pid)
    })

    it('after: delete works with its drop-in, and says what it lacks without', async () => {
      await machine.succeed(`cat > /etc/logcask/agent.d/delete.yaml <<'EOF'
sources: [{ name: rotated, include: ["/var/log/app/*"], after: delete, sealAfter: 1s }]
scanInterval: 1s
EOF
mkdir -p /var/log/app; echo live > /var/log/app/app.txt; systemctl restart logcask-agent`)
      await machine.until('delivered', async () => delivered().includes('live\n'))
      await machine.succeed(`mv /var/log/app/app.txt /var/log/app/app.txt.1; echo next > /var/log/app/app.txt`)
      await machine.until('kept, and said', async () => {
        const { stdout } = await machine.run(['journalctl', '--no-pager', '-o', 'cat', '-u', 'logcask-agent'])
        return /ReadWritePaths=/.test(stdout)
      })
      expect(await machine.succeed('ls /var/log/app')).toContain('app.txt.1')
      await follow({ from: 'What the service may do', until: 'A machine whose disk goes with it' })
      await machine.until('deleted', async () => !(await machine.succeed('ls /var/log/app')).includes('app.txt.1'))
      expect(await machine.succeed('ls /var/log/app')).toBe('app.txt\n')
    })

    it('what root did in the state directory is the agent’s again at its next start', async () => {
      await machine.succeed('systemctl stop logcask-agent')
      await machine.succeed(
        `set -a; . /etc/logcask/environment; set +a; echo drained >> /var/log/app.log; logcask agent --once`,
      )
      const owners = await machine.succeed('find /var/lib/private/logcask -user root | head -n 1')
      expect(owners, 'root made files there').not.toBe('')
      await machine.succeed('systemctl start logcask-agent; echo after root >> /var/log/app.log')
      await machine.until('delivered', async () => delivered().includes('after root\n'))
      expect(await machine.succeed('find /var/lib/private/logcask -user root')).toBe('')
    })

    it('a process that hangs is ended and started again by the watchdog', async () => {
      const pid = await machine.show('logcask-agent', 'MainPID')
      await machine.succeed(`kill -STOP ${pid}; echo meanwhile >> /var/log/app.log`)
      await machine.until('another process', async () => (await machine.show('logcask-agent', 'MainPID')) !== pid)
      await machine.until('delivered', async () => delivered().includes('meanwhile\n'))
      expect(Number(await machine.show('logcask-agent', 'NRestarts'))).toBeGreaterThan(0)
    })

    it('a configuration that cannot be used: said, and not tried again', async () => {
      await machine.succeed('systemctl stop logcask-agent; echo "sauces: []" > /etc/logcask/agent.d/z.yaml')
      await machine.run(['systemctl', 'start', 'logcask-agent'])
      await machine.until('failed', async () => (await machine.show('logcask-agent', 'ActiveState')) === 'failed')
      expect(await machine.show('logcask-agent', 'ExecMainStatus')).toBe('2')
      await machine.succeed('rm /etc/logcask/agent.d/z.yaml; systemctl start logcask-agent')
      expect(await machine.show('logcask-agent', 'ActiveState')).toBe('active')
    })

    it('an upgrade keeps configuration and state, and runs the new program', async () => {
      const pid = await machine.show('logcask-agent', 'MainPID')
      const before = new Set(segments())
      await root.copy(laterDeb ?? '', '/root/logcask_2_test.deb')
      await machine.succeed('apt-get install -y /root/logcask_2_test.deb; echo upgraded >> /var/log/app.log')
      await machine.until('another process', async () => (await machine.show('logcask-agent', 'MainPID')) !== pid)
      await machine.until('delivered', async () => delivered().includes('upgraded\n'))
      expect(delivered().split('the first line\n').length - 1, 'once').toBe(1)
      expect(before.size).toBeGreaterThan(0)
    })

    it('the server: complete files grow, and are asked for on this machine', async () => {
      await follow({ from: 'The server' })
      await machine.succeed(
        `echo AWS_ENDPOINT_URL_S3=${server.endpoint} >> /etc/logcask/server-environment; systemctl restart logcask-server`,
      )
      await machine.until('published', async () => {
        const { stdout } = await machine.run([
          'sh',
          '-c',
          'cat $(find /var/lib/logcask-server/files -type f) 2>/dev/null',
        ])
        return stdout.includes('the first line\n')
      })
      expect((await machine.succeed('stat -c %U /var/lib/logcask-server/files')).trim()).toBe('logcask-server')
    })

    it('switched off: what services write while they stop is delivered, also by an agent that logs to a file', async () => {
      await root.write('/etc/logcask/agent.d/log.yaml', 'log: { file: /var/log/logcask/agent.log }\n')
      await follow({ from: 'A machine whose disk goes with it', until: 'The server' })
      await root.write(
        '/etc/systemd/system/nginx.service',
        `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh -c 'sleep 3; echo its last words >> /var/log/app.log'
`,
      )
      await machine.succeed('systemctl daemon-reload; systemctl restart logcask-farewell; systemctl start nginx')
      await machine.powerOff()
      expect(await readFile(root.file('/var/log/app.log'), 'utf8')).toContain('its last words\n')
      expect(delivered()).toContain('its last words\n')
      await writeFile(root.file('/etc/hostname'), 'web-1\n')
    })
  },
)
