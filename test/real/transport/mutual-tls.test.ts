import { appendFile, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { AgentProcess } from '../../scenarios/agent-process.ts'
import { type Ended, logcask, until } from '../../scenarios/logcask-process.ts'
import { patternBytes } from '../../support/pattern-bytes.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { type Authority, type Certificate, hasOpenssl, makeAuthority } from '../../support/tls.ts'
import { bareStore, store, storeEnv } from '../store.ts'
import { type Nginx, startNginx } from './nginx.ts'

const program = process.env.LOGCASK_TEST_NGINX ?? 'nginx'
const { AWS_ENDPOINT_URL_S3: _direct, ...env } = storeEnv

describe.skipIf(!hasOpenssl)(`${store.name} behind nginx with ssl_verify_client on (needs openssl)`, () => {
  let ours: Authority
  let other: Authority
  let server: Certificate

  beforeAll(async () => {
    ours = await makeAuthority('ours')
    other = await makeAuthority('other')
    server = await ours.issue('server')
  })

  afterAll(async () => {
    await ours.remove()
    await other.remove()
  })

  async function site() {
    const directory = await tempDirectory('mutual')
    const nginx = await startNginx(program, store.endpoint, server, ours)
    const { name, close } = await bareStore()
    close()
    const url = `s3://${name}/logs/`
    const log = join(directory, 'app.log')
    await writeFile(log, patternBytes(3_000_000, 1))
    const run = (args: readonly string[]): Promise<Ended> => logcask(args, { env })
    return { directory, nginx, url, log, run, at: `${url}?endpoint=${nginx.endpoint}` }
  }

  const files = ({ certFile, keyFile }: Certificate, ca = ours): string[] => [
    ...['--ca', ca.certFile],
    ...['--cert', certFile, '--key', keyFile],
  ]
  const ship = (log: string, to: string, state: string, tls: readonly string[]): string[] => [
    ...['ship', log, '--to', to, '--host', 'web-1', '--state', state],
    ...tls,
  ]

  it('the right certificate: doctor, ship and cat', async () => {
    const { directory, nginx, log, run, at } = await site()
    const tls = files(await ours.issue('web-1'))
    expect(await run(['doctor', at, ...tls])).toMatchObject({ code: 0 })
    expect(await run(ship(log, at, join(directory, 'state'), tls))).toMatchObject({ code: 0 })
    const { code, stdout } = await run(['cat', at, 'web-1', log, ...tls])
    expect(code).toBe(0)
    expect(stdout.equals(await readFile(log))).toBe(true)
    expect(new Set(await nginx.clients())).toEqual(new Set(['web-1']))
  })

  it.each<[string, () => Promise<string[]>, RegExp]>([
    ['none', async () => ['--ca', ours.certFile], /fix: .*set cert: and key: \(--cert, --key\) to a certificate that/],
    [
      'one of another authority',
      async () => files(await other.issue('stranger')),
      /fix: .*does not accept \S*stranger\.crt: set cert: and key:/,
    ],
    [
      'one that has run out',
      async () => files(await ours.issue('old', -1)),
      /fix: .*our certificate \S*old\.crt ran out at 20\S*Z: renew it and its key in place/,
    ],
    [
      'the right one, and another authority to trust',
      async () => files(await ours.issue('web-1'), other),
      /fix: .*set ca: \(--ca\) to the PEM file of the authority that signed/,
    ],
  ])('%s: exit 1 at once with the remedy, and nothing arrives', async (_which, tls, remedy) => {
    const { directory, nginx, log, run, at } = await site()
    const { code, stderr } = await run(ship(log, at, join(directory, 'state'), await tls()))
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(remedy) })
    expect(await nginx.clients()).toEqual([])
  })

  /** An agent with certificate files of its own, which `put` replaces. */
  async function runningAgent(first: Certificate) {
    const place = await site()
    const { directory, nginx, url } = place
    const [certFile, keyFile] = [join(directory, 'client.pem'), join(directory, 'client.key')]
    const put = async ({ cert, key }: Certificate): Promise<void> => {
      await writeFile(certFile, cert)
      await writeFile(keyFile, key)
    }
    await put(first)
    const logs = join(directory, 'logs')
    await mkdir(logs)
    const log = join(logs, 'live.log')
    await writeFile(log, 'begin\n')
    const config = join(directory, 'agent.yaml')
    await writeFile(
      config,
      `host: web-1
state: ${join(directory, 'state')}
sources: [{ name: app, include: ["${logs}/*.log"] }]
destinations:
  - url: ${url}
    endpoint: ${nginx.endpoint}
    ca: ${ours.certFile}
    cert: ${certFile}
    key: ${keyFile}
    budget: { burst: 1000, everySeconds: 0.1 }
`,
    )
    const agent = new AgentProcess(config, { env })
    onTestFinished(() => agent.kill())
    return { ...place, agent, put, certFile, keyFile, log }
  }

  /** Appends until a request by that name has come through. */
  async function appendUntil(name: string, log: string, nginx: Nginx, said: () => string): Promise<void> {
    let line = 0
    const hasCome = async (): Promise<boolean> => {
      await appendFile(log, `line ${line++} for ${name}\n`)
      return (await nginx.clients()).at(-1) === name
    }
    await until(`a request of ${name}`, hasCome, { withinMs: 90_000, everyMs: 100, context: said })
  }

  it('renewed while an agent runs: no restart, no byte lost, a half-written pair is no outage', async () => {
    const { agent, put, certFile, keyFile, log, nginx, run, at } = await runningAgent(await ours.issue('first'))
    await agent.start()
    const said = (): string => agent.said()
    await appendUntil('first', log, nginx, said)

    const second = await ours.issue('second')
    await copyFile(second.certFile, certFile)
    // Open connections are used up first (five requests each): the next one is made with what was read before.
    const isSaid = async (): Promise<boolean> => {
      await appendUntil('first', log, nginx, said)
      return /key values mismatch.*what was read from there before stays in use/.test(said())
    }
    await until('the half-written pair is told', isSaid, { withinMs: 90_000, everyMs: 100, context: said })
    await appendUntil('first', log, nginx, said)
    expect(await nginx.clients()).not.toContain('second')
    await copyFile(second.keyFile, keyFile)
    await appendUntil('second', log, nginx, said)

    await put(await ours.issue('third'))
    await appendUntil('third', log, nginx, said)
    await agent.stop()
    const { stdout } = await run(['cat', at, 'web-1', log, ...files(second)])
    expect(stdout.equals(await readFile(log))).toBe(true)
  })

  it('one that has run out at the start: down, with the remedy; renewed, it delivers without a restart', async () => {
    const { agent, put, log, nginx, run, at } = await runningAgent(await ours.issue('old', -1))
    await agent.start()
    await until('it says why', () => /ran out at 20\S*Z: renew it/.test(agent.said()), { context: () => agent.said() })
    expect(await nginx.clients()).toEqual([])
    const fresh = await ours.issue('fresh')
    await put(fresh)
    await appendUntil('fresh', log, nginx, () => agent.said())
    const isThere = async (): Promise<boolean> => {
      const { stdout } = await run(['cat', at, 'web-1', log, ...files(fresh)])
      return stdout.equals(await readFile(log))
    }
    await until('every line is there', isThere, { withinMs: 60_000, everyMs: 500, context: () => agent.said() })
    await agent.stop()
  })
})
