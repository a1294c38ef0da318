import { vi } from 'vitest'
import type { Bucket } from '../../../src/bucket/bucket.ts'
import { bucketSuite, hostileKeys } from '../../support/bucket-suite.ts'
import { type OpenedStore, openStore, store, storeEnv } from '../store.ts'

for (const [name, value] of Object.entries(storeEnv)) vi.stubEnv(name, value)

const tampers = new WeakMap<Bucket, OpenedStore['tamper']>()
const open = (versioned: boolean) => async () => {
  const { bucket, tamper } = await openStore({ versioned })
  tampers.set(bucket, tamper)
  // The bucket goes with its server.
  return { bucket, close: async () => {} }
}
/** S3 takes any UTF-8 name of any depth. */
const invalidKeys = hostileKeys.filter((key) => !/\.logcask|hidden|\\|é|x{256}/.test(key))
/** Ceph completes uploads over what is there: the probe sees it, and large bodies go in one request there. */
const largeWays = store.name === 'ceph-rgw' ? (['one'] as const) : undefined
const options = { invalidKeys, verifiesSha256: store.verifiesChecksum, ...(largeWays && { largeWays }) }

bucketSuite(store.name, open(false), options)
if (store.versioned === 'kept') {
  bucketSuite(`${store.name} with versions`, open(true), {
    ...options,
    tamper: async (bucket, key, body) => tampers.get(bucket)?.(key, body),
  })
}
