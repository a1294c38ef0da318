import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { AgentProcess } from '../scenarios/agent-process.ts'
import { logcask, until } from '../scenarios/logcask-process.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { type FaultS3, startFaultS3 } from '../support/fault-s3.ts'
import { tempDirectory } from '../support/temp-directory.ts'

interface Call {
  kind: string
  host?: string
  port?: number
}

/** A log, a configuration and a store; in this environment every call of a process is written down. */
async function scene() {
  const directory = await tempDirectory('calls')
  const store = await startFaultS3()
  onTestFinished(() => store.close())
  const log = join(directory, 'app.log')
  await writeFile(log, 'first\n')
  const config = join(directory, 'agent.yaml')
  await writeFile(
    config,
    `host: web-1\nstate: ${join(directory, 'state')}\nscanInterval: 1s
sources: [{ name: app, include: ["${log}*"] }]
destinations: [{ url: "s3://bucket/logs/", endpoint: "${store.endpoint}" }]\n`,
  )
  const file = join(directory, 'calls')
  await writeFile(file, '')
  const env = {
    // What the machine has is not asked, either: the credentials are in the environment.
    AWS_EC2_METADATA_DISABLED: '',
    NODE_OPTIONS: `--import=${join(import.meta.dirname, '../support/record-connections.ts')}`,
    LOGCASK_TEST_CONNECTIONS: file,
  }
  const calls = async (): Promise<Call[]> => {
    const lines = (await readFile(file, 'utf8')).split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Call)
  }
  return { directory, store, log, config, env, calls }
}

function strangers(calls: readonly Call[], store: Pick<FaultS3, 'port'>): Call[] {
  return calls.filter(({ kind, host, port }) => !(kind === 'tcp' && host === '127.0.0.1' && port === store.port))
}

it('no telemetry: no command calls anybody but the store that it is given', async () => {
  const { directory, store, log, config, env, calls } = await scene()
  const url = `s3://bucket/logs/?endpoint=${store.endpoint}`
  const commands = [
    ['ship', log, '--to', url, '--host', 'web-1', '--state', join(directory, 'other')],
    ['agent', '-c', config, '--once'],
    ['validate', '-c', config],
    ['status', '-c', config],
    ['doctor', url],
    ['ls', url],
    ['cat', url, 'web-1', log],
    ['compact', '--once', '--from', url, '--to', join(directory, 'published')],
  ]
  for (const command of commands) {
    const before = (await calls()).length
    const { code, stderr } = await logcask(command, { env })
    // Without a running agent, status is no success.
    const expected = command[0] === 'status' ? expect.anything() : 0
    expect({ command: command[0], code, stderr }).toEqual({
      command: command[0],
      code: expected,
      stderr: expect.anything(),
    })
    const made = (await calls()).slice(before)
    expect({ command: command[0], strangers: strangers(made, store) }).toEqual({ command: command[0], strangers: [] })
    if (command[0] !== 'validate' && command[0] !== 'status') expect(made.length).toBeGreaterThan(0)
  }
}, 180_000)

it('nor does an agent that runs, also while its store is away', async () => {
  const { store, log, config, env, calls } = await scene()
  const agent = new AgentProcess(config, { env })
  onTestFinished(() => agent.kill())
  await agent.start()
  await until('it has delivered', () => store.objects.keys().some((key) => key.startsWith('logs/segments/')))
  const mend = store.fault(() => ({ kind: 'lost', when: 'before' }))
  await writeFile(log, 'first\nsecond\n')
  const tried = store.requests.length
  await until('it tries', () => store.requests.length > tried + 3)
  mend()
  await agent.stop()
  const made = await calls()
  expect(made.length).toBeGreaterThan(3)
  expect(strangers(made, store)).toEqual([])
})

it('with a proxy it calls the proxy, and not even a name server', async () => {
  const { directory, store, log, env, calls } = await scene()
  const proxy = await startConnectProxy({ refuses: 403 })
  onTestFinished(() => proxy.close())
  const ship = ['ship', log, '--to', 's3://acme/logs', '--region', 'eu-west-1', '--state', join(directory, 'state')]
  const proxied = { ...env, no_proxy: '', HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  const { code, stderr } = await logcask(ship, { env: proxied })
  expect(code).toBe(1)
  expect(stderr).toContain(`the proxy http://127.0.0.1:${proxy.port} refuses to connect to`)
  expect(strangers(await calls(), proxy)).toEqual([])
  expect(store.requests).toEqual([])
})

const strace = spawnSync('strace', ['-V']).status === 0

it.skipIf(!strace)('the kernel sees no other call, either (needs strace)', async () => {
  const { directory, store, log, env } = await scene()
  const trace = join(directory, 'trace')
  const url = `s3://bucket/logs/?endpoint=${store.endpoint}`
  const by = ['strace', '-f', '-qq', '-e', 'trace=connect,sendto,sendmsg,sendmmsg', '-o', trace]
  const ship = ['ship', log, '--to', url, '--host', 'web-1', '--state', join(directory, 'state')]
  const { NODE_OPTIONS: _recorder, ...plain } = env
  const { code, stderr } = await logcask(ship, { by, env: plain })
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const addressed = (await readFile(trace, 'utf8')).split('\n').filter((line) => /sa_family=AF_INET/.test(line))
  expect(addressed.length).toBeGreaterThan(0)
  expect(
    addressed.filter((line) => !line.includes(`sin_port=htons(${store.port}), sin_addr=inet_addr("127.0.0.1")`)),
  ).toEqual([])
})
