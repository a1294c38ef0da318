import type { S3Settings } from './s3-settings.ts'

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
