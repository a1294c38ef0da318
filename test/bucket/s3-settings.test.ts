import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { createS3Bucket } from '../../src/bucket/s3.ts'
import { bucketOn, create, faultS3, stubFaultS3Env } from '../support/fault-s3-fixture.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const withoutKeys = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }

/** A profile file with the SDK's own syntax, and an environment that has nothing but it. */
async function profileFile(text: string): Promise<string> {
  const path = join(await tempDirectory('s3'), 'credentials')
  await writeFile(path, text)
  stubFaultS3Env({ ...withoutKeys, AWS_SHARED_CREDENTIALS_FILE: path })
  return path
}

const credentials = (secret: string): string => `aws_access_key_id = test\naws_secret_access_key = ${secret}\n`

describe('S3 settings', () => {
  it('AWS_ENDPOINT_URL_S3 and AWS_DEFAULT_REGION count where nothing is set', async () => {
    const server = await faultS3({ region: 'eu-north-1' })
    stubFaultS3Env({ AWS_ENDPOINT_URL_S3: server.endpoint, AWS_DEFAULT_REGION: 'eu-north-1' })
    const bucket = createS3Bucket({ bucket: 'bucket', prefix: '' }, systemClock)
    onTestFinished(() => bucket.close())
    expect(await create(bucket, 'files/a')).toBe('created')
    expect(bucket.url).toBe('s3://bucket/')
  })

  it('endpoint and region of the profile in AWS_PROFILE count', async () => {
    const server = await faultS3({ region: 'eu-north-1' })
    const config = join(await tempDirectory('s3'), 'config')
    const text = `endpoint_url = ${server.endpoint}\nregion = eu-north-1\n${credentials('testtest1')}`
    await writeFile(config, `[profile own]\n${text}`)
    stubFaultS3Env({ ...withoutKeys, AWS_CONFIG_FILE: config, AWS_PROFILE: 'own' })
    const bucket = createS3Bucket({ bucket: 'bucket', prefix: '' }, systemClock)
    onTestFinished(() => bucket.close())
    expect(await create(bucket, 'files/a')).toBe('created')
  })

  it('AWS_REGION goes before AWS_DEFAULT_REGION, and a setting before both', async () => {
    const server = await faultS3({ region: 'eu-north-1' })
    stubFaultS3Env({ AWS_REGION: 'eu-north-1', AWS_DEFAULT_REGION: 'us-west-2' })
    expect(await create(bucketOn(server), 'files/a')).toBe('created')
    stubFaultS3Env({ AWS_REGION: 'us-west-2' })
    expect(await create(bucketOn(server, { region: 'eu-north-1' }), 'files/b')).toBe('created')
  })

  it('each destination has the credentials of its profile, whatever the environment has', async () => {
    const server = await faultS3()
    await profileFile(`[good]\n${credentials('testtest1')}[bad]\n${credentials('wrong')}`)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'nobody')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'nothing')
    expect(await create(bucketOn(server, { profile: 'good' }), 'files/a')).toBe('created')
    await expect(create(bucketOn(server, { profile: 'bad' }), 'files/b')).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('check profile bad in ~/.aws/credentials'),
    })
    await expect(create(bucketOn(server), 'files/b')).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('does not know this access key'),
    })
  })

  it('credentials that were corrected after a refusal count without a restart', async () => {
    const server = await faultS3({
      credentials: { test: { secret: 'testtest1' }, old: { secret: 'x', isExpired: true } },
    })
    const path = await profileFile(`[default]\n${credentials('wrong')}`)
    const bucket = bucketOn(server)
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ code: 'refused' })
    await writeFile(path, '[default]\naws_access_key_id = old\naws_secret_access_key = x\n')
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ code: 'unavailable' })
    await writeFile(path, '')
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('no credentials'),
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role',
    })
    await writeFile(path, `[default]\n${credentials('testtest1')}`)
    expect(await create(bucket, 'files/a')).toBe('created')
  })

  it('no credentials within 5 s: given up for now, the search goes on', async () => {
    const server = await faultS3()
    const release = join(await tempDirectory('s3'), 'release')
    const keys = JSON.stringify({ Version: 1, AccessKeyId: 'test', SecretAccessKey: 'testtest1' })
    const script = join(await tempDirectory('s3'), 'slow.sh')
    await writeFile(script, `while [ ! -e ${release} ]; do sleep 0.02; done; echo '${keys}'\n`)
    await profileFile(`[default]\ncredential_process = sh ${script}\n`)
    // A clock whose deadlines pass at once.
    const clock: Clock = { ...systemClock, timer: (ms, callback) => systemClock.timer(ms === 5_000 ? 0 : ms, callback) }
    const bucket = createS3Bucket(
      { bucket: 'bucket', prefix: '', endpoint: server.endpoint, connectTimeoutMs: 1_000 },
      clock,
    )
    onTestFinished(() => bucket.close())
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no credentials within 5000 ms'),
    })
    await writeFile(release, '')
    await expect.poll(() => create(bucket, 'files/a').catch(() => 'waiting'), { timeout: 5_000 }).toBe('created')
  })

  it('a process that hangs for good is left alone after a minute, and another one asked', async () => {
    const server = await faultS3()
    const directory = await tempDirectory('s3')
    const keys = JSON.stringify({ Version: 1, AccessKeyId: 'test', SecretAccessKey: 'testtest1' })
    const script = join(directory, 'hangs-once.sh')
    const text = `if mkdir ${directory}/first 2>/dev/null; then echo $$ > ${directory}/pid; exec sleep 60; fi; echo '${keys}'\n`
    await writeFile(script, text)
    await profileFile(`[default]\ncredential_process = sh ${script}\n`)
    let nowMs = 0
    const clock: Clock = {
      ...systemClock,
      monotonic: () => nowMs,
      timer: (ms, callback) => systemClock.timer(ms === 5_000 ? 200 : ms, callback),
    }
    const bucket = createS3Bucket({ bucket: 'bucket', prefix: '', endpoint: server.endpoint }, clock)
    onTestFinished(() => bucket.close())
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ code: 'unavailable' })
    onTestFinished(async () => void process.kill(Number(await readFile(join(directory, 'pid'), 'utf8'))))
    nowMs = 59_000
    await expect(create(bucket, 'files/a')).rejects.toThrow('profile default: no answer yet')
    nowMs = 61_000
    await expect(create(bucket, 'files/a')).rejects.toThrow('profile default: no answer yet')
    await expect.poll(() => create(bucket, 'files/a').catch(() => 'waiting'), { timeout: 30_000 }).toBe('created')
  })

  it('a connection that is accepted but never speaks TLS is given up', async () => {
    stubFaultS3Env()
    const mute = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void mute.close())
    await new Promise((resolve) => mute.once('listening', resolve))
    mute.on('connection', (socket) => onTestFinished(() => void socket.destroy()))
    const { port } = mute.address() as { port: number }
    const bucket = bucketOn({ endpoint: `https://127.0.0.1:${port}` }, { connectTimeoutMs: 50 })
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no connection within 50 ms'),
    })
  })

  it('no region, and no endpoint to do without one', async () => {
    stubFaultS3Env()
    const bucket = createS3Bucket({ bucket: 'bucket', prefix: '' }, systemClock)
    onTestFinished(() => bucket.close())
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      code: 'refused',
      hint: 'set region: (--region), or AWS_REGION',
    })
  })

  it.each([
    ['localhost:9000', 'write http://localhost:9000, or https://'],
    ['ftp://store', 'write http://store, or https://'],
    ['https://key:secret@store', 'use profile: or AWS_ACCESS_KEY_ID: addresses are logged'],
  ])('an endpoint like %s is invalid at once', (endpoint, hint) => {
    expect(() => bucketOn({ endpoint })).toThrow(expect.objectContaining({ code: 'invalid', hint }))
  })

  it('so is one in the environment, at the first request', async () => {
    stubFaultS3Env({ AWS_ENDPOINT_URL: 'localhost:9000' })
    const bucket = createS3Bucket({ bucket: 'bucket', prefix: '' }, systemClock)
    onTestFinished(() => bucket.close())
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ code: 'invalid' })
  })
})
