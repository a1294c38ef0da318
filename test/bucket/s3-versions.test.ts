import { describe, expect, it } from 'vitest'
import { listObjects } from '../../src/bucket/bucket.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { bucketOn, create, faultS3, listed } from '../support/fault-s3-fixture.ts'
import { problem } from '../support/fault-s3-reply.ts'

describe('S3 with versions', () => {
  it('I8: a key with more versions than a page holds has its oldest as its content', async () => {
    const server = await faultS3({ versioned: true })
    const bucket = bucketOn(server)
    server.objects.put('files/a', 'before')
    await create(bucket, 'files/b', 'first')
    for (let at = 0; at < 2_100; at++) server.objects.put('files/b', `forged ${at}`)
    for (let at = 0; at < 50; at++) server.objects.remove('files/b')
    server.objects.put('files/c', 'after')
    const entries = await listObjects(bucket, '')
    expect(entries.map(({ key, size, versions }) => [key, size, versions])).toEqual([
      ['files/a', 6, 1],
      ['files/b', 5, 2_151],
      ['files/c', 5, 1],
    ])
    const got = await bucket.get('files/b')
    expect(got).toMatchObject({ size: 5, versions: 2_151 })
    expect(Buffer.from(got?.body ?? []).toString()).toBe('first')
  })

  it('keys that only begin like it are not its versions', async () => {
    const server = await faultS3({ versioned: true })
    const bucket = bucketOn(server)
    server.objects.put('files/ab', '1')
    server.objects.put('files/a/b', '2')
    expect(await bucket.get('files/a')).toBeUndefined()
    server.objects.put('files/a', '3')
    expect(await bucket.head('files/a')).toMatchObject({ size: 1, versions: 1 })
  })

  it('a key of which only delete markers are left has no content', async () => {
    const server = await faultS3({ versioned: true })
    const bucket = bucketOn(server)
    server.objects.remove('files/a')
    server.objects.put('files/b', 'x')
    expect(await bucket.get('files/a')).toBeUndefined()
    expect(await listed(bucket)).toEqual(['files/b'])
  })

  it('prefixes and keys come in order across pages', async () => {
    const server = await faultS3({ versioned: true })
    const bucket = bucketOn(server)
    const names: string[] = []
    for (let at = 0; at < 700; at++) {
      const name = String(at).padStart(4, '0')
      names.push(name, `${name}/`)
      server.objects.put(`files/${name}`, 'x')
      server.objects.put(`files/${name}/deep`, 'x')
    }
    const seen: string[] = []
    for await (const entry of bucket.list('files/', { delimiter: '/' })) {
      seen.push((entry.kind === 'object' ? entry.key : entry.prefix).slice('files/'.length))
    }
    expect(seen).toEqual(names)
  })

  it.each([
    ['we may not ask', problem(403, 'AccessDenied')],
    ['the store does not know', problem(501, 'NotImplemented')],
    ['the store has no such thing', problem(405, 'MethodNotAllowed')],
  ])('where %s, there is the current version and no other', async (_what, reply) => {
    const server = await faultS3()
    const bucket = bucketOn(server)
    server.fault(({ operation }) => (operation === 'GetBucketVersioning' ? { kind: 'instead', reply } : undefined))
    server.objects.put('files/a', 'x')
    expect(await bucket.head('files/a')).toMatchObject({ versions: 1 })
    expect(await listed(bucket)).toEqual(['files/a'])
    expect(bucket.capabilities.versions).toBe(false)
    expect(server.requests.filter(({ operation }) => operation === 'GetBucketVersioning')).toHaveLength(1)
  })

  it('I4: where the store does not answer, the next read asks again', async () => {
    const server = await faultS3({ versioned: true })
    const bucket = bucketOn(server)
    server.objects.put('files/a', 'first')
    server.objects.put('files/a', 'forged')
    const remove = server.fault(() => faults['500'])
    await expect(bucket.get('files/a')).rejects.toMatchObject({ code: 'unavailable' })
    remove()
    expect(await bucket.get('files/a')).toMatchObject({ size: 5, versions: 2 })
  })

  it('a version that expired since it was listed is not there', async () => {
    const server = await faultS3({ versioned: true })
    const bucket = bucketOn(server)
    await create(bucket, 'files/a')
    const [entry] = await listObjects(bucket, '')
    server.objects.purge('files/a')
    expect(await bucket.get('files/a', { version: entry?.version })).toBeUndefined()
  })
})
