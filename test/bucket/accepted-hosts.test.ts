import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { acceptedHosts } from '../../src/bucket/accepted-hosts.ts'
import { boundedLists } from '../../src/bucket/bounded-lists.ts'
import { listNames, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { bucketSuite } from '../support/bucket-suite.ts'
import { storedStream } from '../support/stored-stream.ts'

bucketSuite('memory, every host accepted', async () => ({
  bucket: acceptedHosts(createMemoryBucket(systemClock), () => true),
  close: async () => {},
}))
bucketSuite('memory, its lists bounded', async () => ({
  bucket: boundedLists(createMemoryBucket(systemClock), 1_000_000),
  close: async () => {},
}))

describe('accepted hosts', () => {
  it('are all that is there', async () => {
    const inner = createMemoryBucket(systemClock)
    for (const host of ['web-1', 'db 1']) {
      const stored = storedStream(inner, host, '0-1', '/a')
      await stored.append('x')
      await stored.seal()
    }
    const bucket = acceptedHosts(inner, (host) => host !== 'db 1')
    const all = (await listObjects(inner, '')).map(({ key }) => key)
    const [hidden] = all.filter((key) => key.startsWith('segments/db=201/'))
    expect(await listNames(bucket, 'segments/')).toEqual(['web-1'])
    expect((await listObjects(bucket, '')).map(({ key }) => key)).toEqual(all.filter((key) => !key.includes('db=201')))
    expect(await listObjects(bucket, 'segments/db=201/0-1/')).toEqual([])
    expect(await bucket.get(hidden ?? '')).toBeUndefined()
    expect(await bucket.head(hidden ?? '')).toBeUndefined()
    expect(await inner.head(hidden ?? '')).toBeDefined()
  })
})

describe('a bounded list', () => {
  it('I7: is given up where it is longer, and says so', async () => {
    const inner = createMemoryBucket(systemClock)
    for (let at = 0; at < 5; at++) await inner.put(`files/${at}`, Buffer.from('x'), { mode: 'create' })
    expect(await listObjects(boundedLists(inner, 5), 'files/')).toHaveLength(5)
    await expect(listObjects(boundedLists(inner, 4), 'files/')).rejects.toMatchObject({ code: 'refused' })
  })
})
