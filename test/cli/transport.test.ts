import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { logcask } from '../scenarios/logcask-process.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { credentialService } from '../support/credential-service.ts'
import { startFaultS3 } from '../support/fault-s3.ts'
import { problem } from '../support/fault-s3-reply.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type Authority, hasOpenssl, makeAuthority } from '../support/tls.ts'

const roleArn = 'arn:aws:iam::111122223333:role/logs'
const kmsKey = 'arn:aws:kms:eu-west-1:111122223333:key/1234'

async function scene() {
  const directory = await tempDirectory('transport')
  const store = await startFaultS3({ credentials: { ASIA1: { secret: 's1' }, test: { secret: 'testtest1' } } })
  onTestFinished(() => store.close())
  const service = await credentialService({ accessKey: 'ASIA1', secret: 's1' })
  await writeFile(join(directory, 'app.log'), 'a line\n')
  const config = join(directory, 'agent.yaml')
  await writeFile(
    config,
    `host: web-1
state: ${join(directory, 'state')}
sources: [{ name: app, include: ["${directory}/*.log"] }]
destinations:
  - url: s3://bucket/logs/
    name: eu
    endpoint: ${store.endpoint}
    roleArn: ${roleArn}
    externalId: ours
    sse: aws:kms
    kmsKey: ${kmsKey}
    storageClass: GLACIER_IR
    expectedBucketOwner: "111122223333"
`,
  )
  const env = { AWS_ENDPOINT_URL_STS: service.url }
  const command = (...args: string[]) => logcask([...args, '-c', config], { env })
  return { directory, store, service, command, run: () => command('agent', '--once') }
}

it('what the configuration says of a destination reaches the store', async () => {
  const { store, service, run } = await scene()
  expect(await run()).toMatchObject({ code: 0 })
  expect(service.asked).toEqual(['AssumeRole'])
  expect(service.sts.get('ExternalId')).toBe('ours')
  expect(store.requests.length).toBeGreaterThan(3)
  for (const { method, headers } of store.requests) {
    const isPut = method === 'PUT'
    expect(headers.authorization).toContain('Credential=ASIA1/')
    expect(headers['x-amz-expected-bucket-owner']).toBe('111122223333')
    expect(headers['x-amz-server-side-encryption']).toBe(isPut ? 'aws:kms' : undefined)
    expect(headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe(isPut ? kmsKey : undefined)
    expect(headers['x-amz-storage-class']).toBe(isPut ? 'GLACIER_IR' : undefined)
  }
})

it('a key that may only encrypt ends with 1, the permission, and no segment', async () => {
  const { store, run } = await scene()
  const message = `User: arn:aws:iam::1:user/a is not authorized to perform: kms:Decrypt on resource: ${kmsKey} because of that`
  store.fault(({ operation }) =>
    operation === 'GetObject' ? { kind: 'instead', reply: problem(403, 'AccessDenied', message) } : undefined,
  )
  const { code, stderr } = await run()
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`allow kms:Decrypt on ${kmsKey}`) })
  expect(stderr).toContain('logcask doctor eu -c ')
  expect(store.objects.keys().filter((key) => !key.startsWith('logs/probes/'))).toEqual([])
})

it('doctor tries a destination as the configuration has it', async () => {
  const { store, service, command } = await scene()
  expect(await command('doctor', 'eu')).toMatchObject({ code: 0 })
  expect(service.asked).toEqual(['AssumeRole'])
  const [first] = store.requests
  expect(first?.headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe(kmsKey)
  const { code, stderr } = await command('doctor', 'eux')
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/has no destination eux \(did you mean eu\?\)[\s\S]*there are eu/),
  })
})

it('why asks a destination as the configuration has it', async () => {
  const { directory, service, command } = await scene()
  expect(await command('why', join(directory, 'app.log'))).toMatchObject({ stderr: expect.any(String) })
  expect(service.asked).toEqual(['AssumeRole'])
})

describe.skipIf(!hasOpenssl)('certificates (needs openssl)', () => {
  let ours: Authority
  beforeAll(async () => {
    ours = await makeAuthority('ours')
  })
  afterAll(() => ours.remove())

  it('a proxy that is asked by TLS itself, trusted by NODE_EXTRA_CA_CERTS', async () => {
    const directory = await tempDirectory('transport')
    const tls = await ours.issue('server')
    const store = await startFaultS3({ tls })
    onTestFinished(() => store.close())
    const proxy = await startConnectProxy({ tls, credentials: 'me:secret' })
    onTestFinished(() => proxy.close())
    await writeFile(join(directory, 'app.log'), 'a line\n')
    const to = ['--to', `s3://bucket/logs?endpoint=${store.endpoint}`, '--state', join(directory, 'state')]
    const ship = ['ship', join(directory, 'app.log'), ...to, '--ca', ours.certFile]
    const env = { no_proxy: '', HTTPS_PROXY: `https://me:secret@127.0.0.1:${proxy.port}` }
    expect(await logcask(ship, { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`or NODE_EXTRA_CA_CERTS to that of the proxy https://127.0.0.1:${proxy.port}`),
    })
    const trusting = { ...env, NODE_EXTRA_CA_CERTS: ours.certFile }
    expect(await logcask(ship, { env: trusting })).toMatchObject({ code: 0 })
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT 127.0.0.1:${store.port}`]))
  })

  it.each<[string, number, RegExp | undefined]>([
    ['has run out', -1, /warning: destination acme: \S+ ran out .* ago: renew it and its key in place/],
    ['runs out within a week', 2, /warning: destination acme: \S+ runs out in (?:1 d|2 d)[^:]*: renew it/],
    ['is good for longer', 30, undefined],
  ])('validate: one that %s', async (_which, days, warning) => {
    const directory = await tempDirectory('transport')
    const { certFile, keyFile } = await ours.issue('client', days)
    const config = join(directory, 'agent.yaml')
    const files = `ca: ${ours.certFile}, cert: ${certFile}, key: ${keyFile}`
    const text = `state: ${directory}/state\nsources: [{ name: a, include: ["${directory}/*"] }]
destinations: [{ url: "s3://acme", region: eu-west-1, ${files} }]\n`
    await writeFile(config, text)
    const { code, stderr } = await logcask(['validate', '-c', config])
    expect(code).toBe(0)
    if (warning === undefined) expect(stderr).not.toContain(certFile)
    else expect(stderr).toMatch(warning)
    await writeFile(config, text.replace(certFile, '/nowhere/client.pem'))
    expect(await logcask(['validate', '-c', config])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cert: cannot read \/nowhere\/client.pem[\s\S]*fix: name a PEM file/),
    })
  })

  it('validate: a proxy that cannot be used', async () => {
    const directory = await tempDirectory('transport')
    const config = join(directory, 'agent.yaml')
    const text = `sources: [{ name: a, include: ["${directory}/*"] }]\ndestinations: [{ url: "s3://acme" }]\n`
    await writeFile(config, `state: ${directory}/state\n${text}`)
    const env = { HTTPS_PROXY: 'socks5://me:secret@127.0.0.1:1080' }
    const { code, stderr } = await logcask(['validate', '-c', config], { env })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('socks5://…@127.0.0.1:1080 is no http'),
    })
    expect(stderr).not.toContain('secret')
  })
})
