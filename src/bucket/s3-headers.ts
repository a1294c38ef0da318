import { LogcaskError } from '../base/errors.ts'
import { type S3Settings, urlOf } from './s3-settings.ts'

type StoreSettings = Pick<S3Settings, 'sse' | 'kmsKey' | 'storageClass' | 'expectedBucketOwner'>

/** What begins an object, and may say how it is stored. Parts and completions may not. */
const creators: ReadonlySet<string> = new Set(['PutObjectCommand', 'CreateMultipartUploadCommand'])

/** Added to the requests of a destination; by their names `x-amz-…` they are signed. */
export function storeHeaders(commandName: string, settings: StoreSettings): Record<string, string> {
  const { sse, kmsKey, storageClass, expectedBucketOwner } = settings
  const owner = expectedBucketOwner === undefined ? {} : { 'x-amz-expected-bucket-owner': expectedBucketOwner }
  if (!creators.has(commandName)) return owner
  return {
    ...owner,
    ...(sse !== undefined && { 'x-amz-server-side-encryption': sse }),
    ...(kmsKey !== undefined && { 'x-amz-server-side-encryption-aws-kms-key-id': kmsKey }),
    ...(storageClass !== undefined && { 'x-amz-storage-class': storageClass }),
  }
}

/**
 * Throws `refused` where an object was created and the answer does not say that it was encrypted as asked: some stores
 * (versitygw 1.8) leave out what they do not know, and store in the clear. The probe's first object meets that.
 */
export function requireEncrypted(
  commandName: string,
  answer: { statusCode?: number; headers?: Readonly<Record<string, string>> },
  settings: S3Settings,
): void {
  const { sse } = settings
  const { statusCode = 0, headers = {} } = answer
  if (sse === undefined || !creators.has(commandName) || statusCode < 200 || statusCode >= 300) return
  const said = headers['x-amz-server-side-encryption']
  if (said === sse) return
  const problem = `sse: ${sse} was asked for, and the store answered ${said ?? 'without encryption'}`
  throw new LogcaskError('refused', `${urlOf(settings)}: ${problem}`, {
    hint: 'this store does not encrypt so: leave out sse:, or use another store',
  })
}
