import { systemClock } from '../../src/base/clock.ts'
import { createMemoryBucket, type MemoryBucket } from '../../src/bucket/memory.ts'
import { bucketSuite } from '../support/bucket-suite.ts'

const open = (versions: boolean) => async () => ({
  bucket: createMemoryBucket(systemClock, { versions }),
  close: async () => {},
})

bucketSuite('memory', open(false))
bucketSuite('memory with versions', open(true), {
  tamper: async (bucket, key, body) => (bucket as MemoryBucket).tamper(key, body),
})
