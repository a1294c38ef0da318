import { systemClock } from '../../src/base/clock.ts'
import { createS3Bucket } from '../../src/bucket/s3.ts'
import { bucketSuite, hostileKeys } from '../support/bucket-suite.ts'
import { type FaultS3, startFaultS3 } from '../support/fault-s3.ts'
import { setFaultS3Env } from '../support/fault-s3-fixture.ts'

setFaultS3Env()
const servers = new WeakMap<object, FaultS3>()
const open = (versioned: boolean) => async () => {
  const server = await startFaultS3({ versioned })
  const bucket = createS3Bucket({ bucket: 'bucket', prefix: 'pre/fix/', endpoint: server.endpoint }, systemClock)
  servers.set(bucket, server)
  return { bucket, close: () => server.close() }
}
/** S3 takes any UTF-8 name of any depth. */
const invalidKeys = hostileKeys.filter((key) => !/\.logcask|hidden|\\|é|x{256}/.test(key))
bucketSuite('s3', open(false), { invalidKeys })
bucketSuite('s3 with versions', open(true), {
  invalidKeys,
  tamper: async (bucket, key, body) => {
    const { objects } = servers.get(bucket)!
    body ? objects.put(`pre/fix/${key}`, body) : objects.remove(`pre/fix/${key}`)
  },
})
