import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { ask } from '../server/api-fixture.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { parseMetrics } from '../support/metric-parser.ts'
import { storedStream } from '../support/stored-stream.ts'
import { hasOpenssl, makeAuthority } from '../support/tls.ts'
import { diskBucket, eventually } from './reader-bucket.ts'
import { commandLine, startCommandLine } from './run-command-line.ts'

guardLeaks()

const stream = '20261119T101500123456789Z-1a2b'
const content = `/api/v1/hosts/web-1/streams/${stream}/content`

async function setUp() {
  const disk = await diskBucket()
  const stored = storedStream(disk.bucket, 'web-1', stream, '/var/log/a.log')
  await stored.append('hello ')
  return { ...disk, stored, to: join(disk.directory, 'logs') }
}

/** The command, until the test ends, and where it is asked. */
async function start(args: readonly string[]) {
  const run = startCommandLine(['serve', '--listen', '127.0.0.1:0', ...args])
  onTestFinished(async () => {
    run.signal('SIGTERM')
    await run.code
  })
  const port = await eventually(() => /:\/\/127\.0\.0\.1:(\d+)/.exec(run.stderr())?.[1])
  return { ...run, port: Number(port) }
}

describe('serve', () => {
  it('publishes, and answers from what is published', async () => {
    const { url, to, stored } = await setUp()
    const run = await start(['--from', url, '--to', to, '--interval', '200ms'])
    const file = join(to, `web-1/var/log/a.log~${stream}`)
    await eventually(() => readFile(file, 'utf8').catch(() => undefined))
    await eventually(async () => ((await ask(run, content)).body.toString() === 'hello ' ? true : undefined))
    await stored.append('world')
    await eventually(async () => ((await readFile(file, 'utf8')) === 'hello world' ? true : undefined))
    const one = await eventually(async () => {
      const reply = (await ask(run, `/api/v1/hosts/web-1/streams/${stream}`)).json()
      return reply.published === 11 ? reply : undefined
    })
    expect(one).toMatchObject({ bytes: 11, name: '/var/log/a.log' })
    // From disk, and not from the bucket: the bytes are those that were published, also where both are asked.
    await writeFile(join(to, 'unrelated'), 'x')
    const part = await ask(run, content, { headers: { range: 'bytes=6-' } })
    expect([part.status, part.body.toString(), part.headers['content-range']]).toEqual([206, 'world', 'bytes 6-10/11'])
    expect((await ask(run, '/readyz')).body.toString()).toBe('ready\n')
    const metrics = parseMetrics((await ask(run, '/metrics')).body.toString())
    expect(JSON.stringify([...metrics])).toContain('logcask_published_bytes_total')
    const hosts = await eventually(async () =>
      parseMetrics((await ask(run, '/metrics')).body.toString()).get('logcask_hosts'),
    )
    expect(hosts.samples.filter(({ value }) => value !== 0)).toMatchObject([{ labels: { sign: 'none' }, value: 1 }])
  })

  it('answers from the segments where a published file was edited by hand', async () => {
    const { url, to } = await setUp()
    const run = await start(['--from', url, '--to', to])
    const file = join(to, `web-1/var/log/a.log~${stream}`)
    await eventually(async () => ((await readFile(file, 'utf8').catch(() => '')) === 'hello ' ? true : undefined))
    await eventually(async () =>
      (await ask(run, `/api/v1/hosts/web-1/streams/${stream}`)).json().published === 6 ? true : undefined,
    )
    await writeFile(file, 'HELLO ')
    expect((await ask(run, content)).body.toString()).toBe('hello ')
  })

  it('needs no directory, and ends at once when it is asked to', async () => {
    const { url } = await setUp()
    const run = await start(['--from', url])
    expect((await ask(run, content)).body.toString()).toBe('hello ')
    // Somebody who follows does not keep it.
    const socket = connect(run.port, '127.0.0.1').on('error', () => {})
    const isClosed = new Promise((resolve) => socket.on('close', resolve))
    socket.write(`GET ${content.replace('content', 'follow')} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
    await new Promise((resolve) => socket.once('data', resolve))
    run.signal('SIGTERM')
    expect(await run.code).toBe(0)
    await isClosed
    expect(run.stderr()).toContain('to anybody on this machine, until stopped\n')
  })

  it.each(['0.0.0.0:0', ':0', '[::]:0', '192.0.2.1:80', 'logs.example:80'])(
    'refuses %s without TLS and tokens, and says how to',
    async (address) => {
      const { url } = await setUp()
      const { code, stderr } = await commandLine(['serve', '--from', url, '--listen', address])
      expect(code).toBe(2)
      expect(stderr).toContain(
        'can be reached from elsewhere, and there is no TLS and no a token or client certificate',
      )
      expect(stderr).toContain('fix: in the configuration (-c FILE) set tls: { cert, key }, and tokens:')
    },
  )

  it('hides and does not publish hosts that are not accepted, whoever asks', async () => {
    const { url, to, directory, bucket } = await setUp()
    await storedStream(bucket, 'db-1', '0-1', '/b').append('secret')
    const config = join(directory, 'server.yaml')
    await writeFile(config, `from: ${url}\nto: ${to}\naccept: { hosts: ["web-*"] }\n`)
    const run = await start(['-c', config])
    await eventually(() => readFile(join(to, `web-1/var/log/a.log~${stream}`)).catch(() => undefined))
    expect((await ask(run, '/api/v1/hosts')).json().hosts.map(({ host }: { host: string }) => host)).toEqual(['web-1'])
    expect((await ask(run, '/api/v1/hosts/db-1/streams/0-1/content')).status).toBe(403)
    await expect(readFile(join(to, 'db-1/b~0-1'))).rejects.toThrow('ENOENT')
  })

  it('publishes the names that are accepted, and no others', async () => {
    const { url, to, directory, bucket } = await setUp()
    const audit = storedStream(bucket, 'web-1', '0-1', '/var/log/audit/audit.log')
    await audit.append('audit')
    const config = join(directory, 'server.yaml')
    await writeFile(config, `from: ${url}\nto: ${to}\naccept: { names: ["^/var/log/audit/", "\\\\.json$"] }\n`)
    const run = await start(['-c', config, '--interval', '100ms'])
    await eventually(() => readFile(join(to, 'web-1/var/log/audit/audit.log~0-1')).catch(() => undefined))
    await audit.append(' more')
    const file = join(to, 'web-1/var/log/audit/audit.log~0-1')
    await eventually(async () => ((await readFile(file, 'utf8')) === 'audit more' ? true : undefined))
    await expect(readFile(join(to, `web-1/var/log/a.log~${stream}`))).rejects.toThrow('ENOENT')
    // It is there to be read from the bucket.
    expect((await ask(run, content)).body.toString()).toBe('hello ')
  })

  it('writes a line for each request that it refuses, and nothing a client wrote moves the cursor', async () => {
    const { url } = await setUp()
    const run = await start(['--from', url])
    const reply = await ask(run, '/api/v1/hosts/%1b%5b2J', { headers: { host: 'evil.example' } })
    expect(reply.status).toBe(421)
    const socket = connect(run.port, '127.0.0.1')
      .on('error', () => {})
      .resume()
    socket.write('GET /\u001b[2J\u202e HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n')
    await new Promise((resolve) => socket.on('close', resolve))
    expect(run.stderr()).toMatch(/refused {4}\S+Z 127\.0\.0\.1 GET \/api\/v1\/hosts\/%1b%5b2J: 421, without tokens/)
    expect(run.stderr()).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
  })

  it('--new-token makes a token, of which the configuration holds the hash alone', async () => {
    const { code, stdout, stderr } = await commandLine(['serve', '--new-token'])
    const token = stdout.trim()
    expect([code, token]).toEqual([0, expect.stringMatching(/^logcask_[0-9a-f]{64}$/)])
    expect(stderr).toContain(`sha256: ${sha256(Buffer.from(token))}, hosts: ["*"] }`)
    expect(stderr).not.toContain(token)
  })
})

describe.skipIf(!hasOpenssl)('serve on an address that others reach (needs openssl)', () => {
  it('answers over TLS to those whose token it knows', async () => {
    const { url, directory } = await setUp()
    const authority = await makeAuthority('own')
    onTestFinished(authority.remove)
    const { certFile: cert, keyFile: key } = await authority.issue('server')
    const token = (await commandLine(['serve', '--new-token'])).stdout.trim()
    const config = join(directory, 'server.yaml')
    const hash = sha256(Buffer.from(token))
    await writeFile(
      config,
      `from: ${url}\ntls: { cert: ${cert}, key: ${key} }\ntokens: [{ name: web, sha256: ${hash}, hosts: ["web-*"] }]\n`,
    )
    const checked = await commandLine(['serve', '-c', config, '--check', '--listen', '0.0.0.0:8470'])
    expect([checked.code, checked.stderr]).toEqual([0, expect.stringContaining('nothing is wrong')])
    const run = await start(['-c', config])
    expect(run.stderr()).toContain('served on https://127.0.0.1:')
    const tls = { ca: authority.cert }
    expect((await ask(run, content, { tls })).status).toBe(401)
    const reply = await ask(run, content, { tls, headers: { authorization: `Bearer ${token}` } })
    expect([reply.status, reply.body.toString()]).toEqual([200, 'hello '])
    const metrics = await ask(run, '/metrics', { tls, headers: { authorization: `Bearer ${token}` } })
    expect(metrics.status).toBe(403)
    expect(run.stderr()).toMatch(/refused .*127\.0\.0\.1 \(web\) GET \/metrics: 403/)
  })

  it.each([
    ['tokens: [{ name: a, sha256: my-secret, hosts: ["*"] }]', 'tokens[0].sha256: is no SHA-256 in hex'],
    ['tokens: [{ name: a, sha256: "", hosts: [] }]', 'must not be empty'],
    ['clients: [{ subject: a, hosts: ["*"] }]', 'has clients and no tls.clientCa'],
    ['tls: { cert: /nowhere/a, key: /nowhere/b }', 'ENOENT'],
    ['accept: { names: ["("] }', '( is no regular expression'],
    ['lisen: 127.0.0.1:80', 'did you mean listen?'],
  ])('%s is refused with the remedy', async (line, message) => {
    const { url, directory } = await setUp()
    await mkdir(directory, { recursive: true })
    const config = join(directory, 'server.yaml')
    await writeFile(config, `from: ${url}\n${line}\n`)
    const { code, stderr } = await commandLine(['serve', '-c', config, '--check'])
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
    expect(stderr).not.toContain('my-secret')
    expect(stderr).toContain('fix:')
  })
})
