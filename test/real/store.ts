import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { systemClock } from '../../src/base/clock.ts'
import type { credentials, RealServer } from './servers.ts'

/** The server that this run is about, as run.ts describes it. */
export type TestStore = RealServer & typeof credentials & { endpoint: string }

export const store: TestStore = readStore()

function readStore(): TestStore {
  const text = process.env.LOGCASK_TEST_S3
  if (text === undefined)
    throw new Error('no server: node test/real/run.ts versitygw starts one and sets LOGCASK_TEST_S3')
  return JSON.parse(text) as TestStore
}

export const region = 'us-east-1'

/** The bare SDK, for what Logcask itself never does: creating a bucket, and sending what it would not send. */
export function bareClient(secretKey = store.secretKey): S3Client {
  return new S3Client({
    endpoint: store.endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: { accessKeyId: store.accessKey, secretAccessKey: secretKey },
  })
}

/** A new, empty bucket; it goes with the server. */
export async function newBucket(): Promise<string> {
  const name = `logcask-${systemClock.id(6)}`
  const client = bareClient()
  try {
    await client.send(new CreateBucketCommand({ Bucket: name }))
  } finally {
    client.destroy()
  }
  return name
}
