import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { createS3Bucket, type S3Settings } from '../../src/bucket/s3.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { credentialService } from '../support/credential-service.ts'
import { bucketOn, create, faultS3, stubFaultS3Env } from '../support/fault-s3-fixture.ts'
import { stubProxyEnv } from '../support/proxy-env.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const roleArn = 'arn:aws:iam::111122223333:role/logs'
const nothing = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }
const users = {
  test: { secret: 'testtest1' },
  ASIA1: { secret: 's1' },
  ASIA2: { secret: 's2' },
  OLD: { secret: 'old', isExpired: true },
}
const first = { accessKey: 'ASIA1', secret: 's1' }
const second = { accessKey: 'ASIA2', secret: 's2', token: 'second' }

/** A store with users, a service that gives out `first`, and an environment that points to both. */
async function scene(env: Record<string, string | undefined>, settings: Partial<S3Settings> = {}) {
  const store = await faultS3({ credentials: users })
  const service = await credentialService(first)
  const filled = Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value?.replace('SERVICE', service.url)]),
  )
  stubFaultS3Env({ ...nothing, AWS_ENDPOINT_URL_STS: service.url, ...filled })
  return { store, service, bucket: bucketOn(store, { region: 'us-east-1', ...settings }) }
}

async function file(name: string, text: string): Promise<string> {
  const path = join(await tempDirectory('credentials'), name)
  await writeFile(path, text)
  return path
}

const instance = { AWS_EC2_METADATA_DISABLED: undefined, AWS_EC2_METADATA_SERVICE_ENDPOINT: 'SERVICE' }
const container = {
  AWS_CONTAINER_CREDENTIALS_FULL_URI: 'SERVICE/container',
  AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let-me-in',
}

describe('credentials come from', () => {
  it('the environment, with the token of its session', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'ASIA1', AWS_SECRET_ACCESS_KEY: 's1', AWS_SESSION_TOKEN: 'of-environment' }
    const { store, service, bucket } = await scene({ ...instance, ...env })
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(store.requests[0]?.headers['x-amz-security-token']).toBe('of-environment')
    expect(service.asked).toEqual([])
  })

  it('the instance, by a session of its metadata service', async () => {
    const { store, service, bucket } = await scene(instance)
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(await create(bucket, 'files/b')).toBe('created')
    expect(service.asked).toEqual(['imds', 'imds', 'imds'])
    expect(store.requests[0]?.headers['x-amz-security-token']).toBe('token')
  })

  it('not the region of a store that is not AWS: where the machine is says nothing of it', async () => {
    const store = await faultS3({ region: 'us-east-1' })
    const service = await credentialService(first)
    stubFaultS3Env({ AWS_EC2_METADATA_DISABLED: undefined, AWS_EC2_METADATA_SERVICE_ENDPOINT: service.url })
    expect(await create(bucketOn(store), 'files/a')).toBe('created')
    expect(service.asked).toEqual([])
  })

  it('the container', async () => {
    const { service, bucket } = await scene(container)
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(service.asked).toEqual(['container'])
  })

  it('a web identity, whose token is read from its file each time', async () => {
    const token = await file('token', 'first-token')
    const { service, store, bucket } = await scene({ AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: roleArn })
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(service.asked).toEqual(['AssumeRoleWithWebIdentity'])
    expect(service.sts.get('WebIdentityToken')).toBe('first-token')
    await writeFile(token, 'second-token')
    service.give = second
    const mend = store.fault(({ attempt }) => (attempt === 1 ? expiredOnce : undefined))
    await expect(create(bucket, 'files/b')).rejects.toMatchObject({ code: 'unavailable' })
    mend()
    expect(await create(bucket, 'files/b')).toBe('created')
    expect(service.sts.get('WebIdentityToken')).toBe('second-token')
  })

  it('a process', async () => {
    const keys = { Version: 1, AccessKeyId: 'ASIA1', SecretAccessKey: 's1', SessionToken: 'of-process' }
    const config = await file('config', `[default]\ncredential_process = echo '${JSON.stringify(keys)}'\n`)
    const { store, bucket } = await scene({ AWS_CONFIG_FILE: config })
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(store.requests[0]?.headers['x-amz-security-token']).toBe('of-process')
  })

  it('a role of a profile, with the session of another one', async () => {
    const text = `[profile base]\naws_access_key_id = test\naws_secret_access_key = testtest1
[profile logs]\nrole_arn = ${roleArn}\nsource_profile = base\nexternal_id = ours\n`
    const { service, bucket } = await scene({ AWS_CONFIG_FILE: await file('config', text) }, { profile: 'logs' })
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(service.signer).toBe('test')
    expect(service.sts.get('ExternalId')).toBe('ours')
  })

  it('a role of the destination, taken on with what was found', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testtest1' }
    const { service, bucket } = await scene(keys, { roleArn, externalId: 'ours' })
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(service.signer).toBe('test')
    expect(Object.fromEntries(service.sts)).toMatchObject({
      RoleArn: roleArn,
      ExternalId: 'ours',
      RoleSessionName: expect.stringMatching(/^logcask-[\w+=,.@-]{1,56}$/),
    })
  })

  it('a role, by the environment’s proxy; what is on this machine, never', async () => {
    const { store, service, bucket } = await scene(instance)
    await bucket.close()
    const proxy = await startConnectProxy()
    onTestFinished(() => proxy.close())
    stubProxyEnv({ HTTP_PROXY: `127.0.0.1:${proxy.port}`, NO_PROXY: `127.0.0.1:${store.port}` })
    expect(await create(bucketOn(store, { region: 'us-east-1', roleArn }), 'files/a')).toBe('created')
    expect(service.asked).toEqual(['imds', 'imds', 'imds', 'AssumeRole'])
    expect(proxy.asked).toEqual([`POST ${service.url}/`])
  })

  it('a role on top of the instance’s', async () => {
    const { service, bucket } = await scene(instance, { roleArn })
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(service.asked).toEqual(['imds', 'imds', 'imds', 'AssumeRole'])
    expect(service.signer).toBe('ASIA1')
  })
})

const expiredOnce = {
  kind: 'instead',
  reply: { status: 400, body: '<Error><Code>ExpiredToken</Code><Message>expired</Message></Error>' },
} as const

describe('credentials that end', () => {
  it.each(['instance', 'container'] as const)('the %s is asked anew after ExpiredToken', async (source) => {
    const { service, bucket } = await scene(source === 'instance' ? instance : container)
    service.give = { accessKey: 'OLD', secret: 'old' }
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ code: 'unavailable' })
    service.give = second
    expect(await create(bucket, 'files/a')).toBe('created')
  })

  it('are renewed before they do', async () => {
    const { store, service, bucket } = await scene(container)
    service.give = { ...first, expiresInMs: 200_000 }
    expect(await create(bucket, 'files/a')).toBe('created')
    service.give = second
    expect(await create(bucket, 'files/b')).toBe('created')
    expect(store.requests.at(-1)?.headers['x-amz-security-token']).toBe('second')
  })

  it('a renewal that fails costs nothing while they are good', async () => {
    const { service, bucket } = await scene(container)
    service.give = { ...first, expiresInMs: 200_000 }
    expect(await create(bucket, 'files/a')).toBe('created')
    service.fail = { status: 400 }
    expect(await create(bucket, 'files/b')).toBe('created')
    const asked = service.asked.length
    expect(await create(bucket, 'files/c')).toBe('created')
    expect(service.asked).toHaveLength(asked)
  })
})

describe('where none are found', () => {
  it('each source is named with what it said, and what to do', async () => {
    const { bucket } = await scene({})
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(
        /no credentials: environment: AWS_ACCESS_KEY_ID is not set; profile default: Could not .*; web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; instance role: AWS_EC2_METADATA_DISABLED is set$/,
      ),
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role',
    })
  })

  it('half of a pair is said to be half', async () => {
    const { bucket } = await scene({ AWS_ACCESS_KEY_ID: 'test' })
    await expect(create(bucket, 'files/a')).rejects.toThrow('environment: AWS_SECRET_ACCESS_KEY is not set')
  })

  it('a machine without a role', async () => {
    const { service, bucket } = await scene(instance)
    service.fail = { status: 404 }
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/instance role: .*\(404\)/),
    })
  })

  it('a container’s endpoint that fails is asked again; one that refuses is not well set up', async () => {
    const { service, bucket } = await scene({ ...container, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'wrong' })
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('container role: Server responded with status: 401'),
    })
    service.fail = { status: 503 }
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ code: 'unavailable' })
    service.fail = undefined
  })

  it('a role that must not be taken on: what to allow', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testtest1' }
    const { service, bucket } = await scene(keys, { roleArn })
    const message = `User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`
    service.fail = { status: 403, code: 'AccessDenied', message }
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(`role ${roleArn}: AccessDenied: User: arn:aws:iam::1:user/a is not authorized`),
      hint: `allow sts:AssumeRole on ${roleArn}`,
    })
    service.fail = undefined
    expect(await create(bucket, 'files/a')).toBe('created')
  })

  it('something that gives out no roles: what to check', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testtest1' }
    const { service, bucket } = await scene(keys, { roleArn })
    service.fail = { status: 405, code: 'MethodNotAllowed', message: 'no roles here' }
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(`environment: found; role ${roleArn}: MethodNotAllowed: no roles here`),
      hint: expect.stringContaining('check roleArn: and externalId:, and AWS_ENDPOINT_URL_STS'),
    })
  })

  it('a session that ended before the role was taken on is found anew', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testtest1' }
    const { service, bucket } = await scene(keys, { roleArn, profile: undefined })
    service.fail = { status: 403, code: 'ExpiredTokenException', message: 'expired' }
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('renew the session'),
    })
  })

  it('after 5 s the one that has not answered is named', async () => {
    const { store, service } = await scene(instance)
    service.fail = 'hang'
    // A clock whose deadline passes as soon as the source is asked.
    const clock: Clock = {
      ...systemClock,
      timer: (ms, callback) => systemClock.timer(ms === 5_000 ? 100 : ms, callback),
    }
    const bucket = createS3Bucket(
      { bucket: 'bucket', prefix: '', region: 'us-east-1', endpoint: store.endpoint },
      clock,
    )
    onTestFinished(() => bucket.close())
    const said = () => create(bucket, 'files/a').catch(({ code, message }) => `${code} ${message}`)
    await expect
      .poll(said, { timeout: 30_000 })
      .toMatch(/^unavailable .*no credentials within 5000 ms: environment: .*; instance role: no answer yet$/)
  })
})
