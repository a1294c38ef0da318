import { copyFile, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { LogcaskError } from '../../src/base/errors.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createS3Bucket } from '../../src/bucket/s3.ts'
import type { FaultS3 } from '../support/fault-s3.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { create, faultS3 } from '../support/fault-s3-fixture.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type Authority, type Certificate, hasOpenssl, makeAuthority } from '../support/tls.ts'

describe.skipIf(!hasOpenssl)('certificates that are renewed under a running agent (needs openssl)', () => {
  let ours: Authority
  let other: Authority
  let server: Certificate
  let good: Certificate
  let newer: Certificate
  let old: Certificate
  let foreign: Certificate

  beforeAll(async () => {
    ours = await makeAuthority('ours')
    other = await makeAuthority('other')
    server = await ours.issue('server')
    good = await ours.issue('client')
    newer = await ours.issue('newer')
    old = await ours.issue('old', -1)
    foreign = await other.issue('foreign')
  })

  afterAll(async () => {
    await ours.remove()
    await other.remove()
  })

  /** A destination with files of its own, and what it warned of. */
  async function destination(first: Certificate) {
    const tls = { ...server, ca: ours.cert, requestCert: true, rejectUnauthorized: true }
    const store = await faultS3({ tls })
    const directory = await tempDirectory('renewed')
    const [caFile, certFile, keyFile] = ['ca.pem', 'client.pem', 'client.key'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ]
    await copyFile(ours.certFile, caFile)
    const renew = async ({ cert, key }: Certificate): Promise<void> => {
      await writeFile(certFile, cert)
      await writeFile(keyFile, key)
    }
    await renew(first)
    const warnings: LogcaskError[] = []
    const settings = { bucket: 'bucket', prefix: '', endpoint: store.endpoint, caFile, certFile, keyFile }
    const bucket = createS3Bucket(settings, systemClock, (warning) => warnings.push(warning))
    onTestFinished(() => bucket.close())
    return { store, bucket, warnings, caFile, certFile, keyFile, renew }
  }

  /** The connection that is there is cut: the next request makes one. */
  async function onNewConnection(store: FaultS3, bucket: Bucket, key: string): Promise<string> {
    const before = store.connections
    const mend = store.fault(() => faults['lost-before'])
    await expect(create(bucket, 'files/lost')).rejects.toMatchObject({ code: 'unavailable' })
    mend()
    const result = await create(bucket, key)
    expect(store.connections).toBeGreaterThan(before)
    return result
  }

  it('one that has run out is named, with when; its renewal counts at once', async () => {
    const { store, bucket, certFile, renew } = await destination(old)
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      hint: expect.stringMatching(new RegExp(`our certificate ${certFile} ran out at 20.*Z: renew it and its key`)),
    })
    expect(store.requests).toEqual([])
    await renew(good)
    expect(await create(bucket, 'files/a')).toBe('created')
  })

  it('one of an unknown authority is named; replaced, it counts at once', async () => {
    const { bucket, certFile, renew } = await destination(foreign)
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({
      hint: expect.stringContaining(`it may not accept ${certFile}`),
    })
    await renew(good)
    expect(await create(bucket, 'files/a')).toBe('created')
  })

  it('the next connection shows the new one, and resumes no session of the old one', async () => {
    const { store, bucket, renew } = await destination(good)
    expect(await create(bucket, 'files/a')).toBe('created')
    await renew(newer)
    expect(await onNewConnection(store, bucket, 'files/b')).toBe('created')
    expect(store.peers).toEqual(['client', 'newer'])
  })

  it('a pair that is half written: the old one stays, with one warning, until both are there', async () => {
    const { store, bucket, warnings, certFile, keyFile } = await destination(good)
    await writeFile(certFile, newer.cert)
    expect(await onNewConnection(store, bucket, 'files/a')).toBe('created')
    expect(await onNewConnection(store, bucket, 'files/b')).toBe('created')
    expect(warnings).toMatchObject([
      {
        code: 'invalid',
        message: expect.stringMatching(/key values mismatch.*: what was read from there before stays in use/),
        hint: expect.stringContaining('check that the key belongs to the certificate'),
      },
    ])
    await writeFile(keyFile, newer.key)
    expect(await onNewConnection(store, bucket, 'files/c')).toBe('created')
    expect(store.peers.slice(0, -1).every((name) => name === 'client')).toBe(true)
    expect(store.peers.at(-1)).toBe('newer')
    expect(warnings).toHaveLength(1)
  })

  it.each([
    ['empty', ''],
    ['cut in the middle', 'half'],
  ])('a file that is %s: the old one stays', async (_what, content) => {
    const { store, bucket, warnings, certFile } = await destination(good)
    const whole = await readFile(certFile)
    await writeFile(certFile, content === '' ? '' : whole.subarray(0, whole.length / 2))
    expect(await onNewConnection(store, bucket, 'files/a')).toBe('created')
    expect(warnings).toHaveLength(1)
  })

  it('a link that leads nowhere: the old one stays', async () => {
    const { store, bucket, warnings, certFile } = await destination(good)
    await rm(certFile)
    await symlink(certFile, certFile)
    expect(await onNewConnection(store, bucket, 'files/a')).toBe('created')
    expect(warnings).toMatchObject([{ message: expect.stringContaining('ELOOP') }])
  })

  it('an authority that is replaced counts for the next connection', async () => {
    const { store, bucket, caFile } = await destination(good)
    expect(await create(bucket, 'files/a')).toBe('created')
    await copyFile(other.certFile, caFile)
    await expect(onNewConnection(store, bucket, 'files/b')).rejects.toMatchObject({
      hint: expect.stringContaining('set ca: (--ca)'),
    })
    await copyFile(ours.certFile, caFile)
    expect(await create(bucket, 'files/b')).toBe('created')
  })
})
