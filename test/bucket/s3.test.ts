import { bucketSuite, hostileKeys } from '../support/bucket-suite.ts'
import { faultS3Suite, setFaultS3Env } from '../support/fault-s3-fixture.ts'

setFaultS3Env()
/** S3 takes any UTF-8 name, of any depth. */
const invalidKeys = hostileKeys.filter((key) => !/\.logcask|hidden|\\|é|x{256}/.test(key))
const plain = faultS3Suite(false)
const versioned = faultS3Suite(true)
bucketSuite('s3', plain.open, { invalidKeys })
bucketSuite('s3 with versions', versioned.open, { invalidKeys, tamper: versioned.tamper })
