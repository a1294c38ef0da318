import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { systemClock } from '../../src/base/clock.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createS3Bucket } from '../../src/bucket/s3.ts'
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

const region = 'us-east-1'

/** What reaches the server, for ourselves and for the commands that we start. */
export const storeEnv: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: store.accessKey,
  AWS_SECRET_ACCESS_KEY: store.secretKey,
  AWS_REGION: region,
  AWS_ENDPOINT_URL_S3: store.endpoint,
  // Nothing of the machine that the tests run on.
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  no_proxy: '127.0.0.1',
}

/** A bucket by the bare SDK, for what Logcask itself never does. It goes with its server. */
export interface BareStore {
  client: S3Client
  name: string
  /** The status of a create-only PUT without a checksum. */
  create(key: string, body: string): Promise<number | undefined>
  close(): void
}

/** A new bucket, or the one of that name. */
export async function bareStore(
  options: { name?: string; secretKey?: string; versioned?: boolean } = {},
): Promise<BareStore> {
  const client = new S3Client({
    endpoint: store.endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: { accessKeyId: store.accessKey, secretAccessKey: options.secretKey ?? store.secretKey },
  })
  const name = options.name ?? `logcask-${systemClock.id(6)}`
  if (options.name === undefined) await client.send(new CreateBucketCommand({ Bucket: name }))
  if (options.versioned) {
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }))
  }
  return {
    client,
    name,
    async create(key, body) {
      try {
        const command = new PutObjectCommand({ Bucket: name, Key: key, Body: body, IfNoneMatch: '*' })
        return (await client.send(command)).$metadata.httpStatusCode
      } catch (error) {
        return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
      }
    },
    close: () => client.destroy(),
  }
}

export interface OpenedStore {
  bucket: Bucket
  /** Past the port: a further version of a key, or a delete marker. */
  tamper(key: string, body: Uint8Array | undefined): Promise<void>
}

/** A new bucket as Logcask opens it, below a prefix. Needs `storeEnv` in the environment. */
export async function openStore(options: { versioned?: boolean } = {}): Promise<OpenedStore> {
  const { client, name } = await bareStore(options)
  const prefix = 'pre/fix/'
  return {
    bucket: createS3Bucket({ bucket: name, prefix }, systemClock),
    async tamper(key, body) {
      const object = { Bucket: name, Key: `${prefix}${key}` }
      await client.send(body ? new PutObjectCommand({ ...object, Body: body }) : new DeleteObjectCommand(object))
    },
  }
}
