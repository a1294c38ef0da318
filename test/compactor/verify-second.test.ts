import { expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { type Bucket, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { verifyHost } from '../../src/compactor/verify.ts'
import { archiveCounterpart } from '../../src/compactor/verify-archive.ts'
import { bucketCounterpart } from '../../src/compactor/verify-bucket.ts'
import type { VerifiedStream } from '../../src/compactor/verify-stream.ts'
import { encodeArchivedHeader } from '../../src/format/archived.ts'
import { storedStream } from '../support/stored-stream.ts'

const signal = new AbortController().signal
const host = 'web-1'

async function store(bucket: Bucket) {
  const stored = storedStream(bucket, host, '0-1', '/a')
  for (const text of ['one ', 'two ', 'three']) await stored.append(text)
  await stored.seal()
  return stored
}

async function verify(bucket: Bucket, other: ReturnType<typeof bucketCounterpart>): Promise<VerifiedStream[]> {
  const found: VerifiedStream[] = []
  await verifyHost(bucket, host, { isQuick: false, against: [other], onStream: (one) => found.push(one) })
  return found
}

it.each(['overwritten', 'deleted'])(
  'I2: an object of the second bucket that was %s is named; its oldest version counts',
  async (how) => {
    const here = createMemoryBucket(systemClock)
    const there = createMemoryBucket(systemClock, { versions: true })
    await store(here)
    await store(there)
    const [, key = ''] = (await listObjects(there, 'segments/')).map((entry) => entry.key)
    there.tamper(key, how === 'deleted' ? undefined : Buffer.from('stolen'))
    expect(await verify(here, bucketCounterpart(there, signal))).toMatchObject([
      { verdict: 'differs', against: [{ tamperedKeys: [key], differs: undefined, compared: 13 }] },
    ])
  },
)

it('I2: an object of an archive that was written twice is named; its oldest version counts', async () => {
  const here = createMemoryBucket(systemClock)
  const { content, sha256, origin } = await store(here)
  const archive = createMemoryBucket(systemClock, { versions: true })
  const key = 'host=web-1/date=none/a~0-1-13'
  const header = { origin, encoding: 'none' as const, length: 13, sha256, isSealed: true }
  await archive.put(key, content, { mode: 'create', metadata: encodeArchivedHeader(header) })
  const counterpart = archiveCounterpart(archive, 'host={host}/date={date}/{filename}', signal)
  archive.tamper(key, Buffer.from('another one'))
  expect(await counterpart.hosts()).toEqual([host])
  expect(await verify(here, counterpart)).toMatchObject([
    { verdict: 'differs', against: [{ tamperedKeys: [key], archivedTo: 13, differs: undefined }] },
  ])
})
