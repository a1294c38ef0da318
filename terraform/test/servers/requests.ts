import { createHash } from 'node:crypto'
import * as sdk from '@aws-sdk/client-s3'

/** Requests as somebody with credentials would send them, and whether the server lets them. */
export interface Request {
  what: string
  send(client: sdk.S3Client, Bucket: string, target: Target): Promise<unknown>
}

/** What it is done to: an object that is there, its version, and a key that is free. */
export interface Target {
  Key: string
  VersionId?: string | undefined
  free: string
}

const request = (what: string, make: (place: { Bucket: string; Key: string }, target: Target) => object): Request => ({
  what,
  send: (client, Bucket, target) => client.send(make({ Bucket, Key: target.Key }, target) as never),
})

const body = 'forged'
/** DeleteObjects and configurations need one. */
const ChecksumAlgorithm = 'CRC32'

export const create = request(
  'create',
  ({ Bucket }, { free }) => new sdk.PutObjectCommand({ Bucket, Key: free, Body: body, IfNoneMatch: '*' }),
)
export const read = request('read', (place) => new sdk.GetObjectCommand(place))
export const list = (prefix: string): Request =>
  request(`list ${prefix}`, ({ Bucket }) => new sdk.ListObjectsV2Command({ Bucket, Prefix: prefix }))
export const listVersions = (prefix: string): Request =>
  request(`list versions of ${prefix}`, ({ Bucket }) => new sdk.ListObjectVersionsCommand({ Bucket, Prefix: prefix }))
export const askVersioning = request(
  'ask for versioning',
  ({ Bucket }) => new sdk.GetBucketVersioningCommand({ Bucket }),
)
export const overwrite = request('overwrite', (place) => new sdk.PutObjectCommand({ ...place, Body: body }))

const later = new Date('2099-01-01')

/** Of an object: none of these may succeed for anybody. */
export const changes: readonly Request[] = [
  request('delete', (place) => new sdk.DeleteObjectCommand(place)),
  request(
    'delete several',
    ({ Bucket, Key }) => new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }], Quiet: false } }),
  ),
  request(
    'delete the version',
    (place, { VersionId = 'null' }) => new sdk.DeleteObjectCommand({ ...place, VersionId }),
  ),
  request(
    'delete the version in spite of its lock',
    (place, { VersionId = 'null' }) =>
      new sdk.DeleteObjectCommand({ ...place, VersionId, BypassGovernanceRetention: true }),
  ),
  request(
    'lock for a hundred years',
    (place) =>
      new sdk.PutObjectRetentionCommand({
        ...place,
        ChecksumAlgorithm,
        Retention: { Mode: 'COMPLIANCE', RetainUntilDate: later },
      }),
  ),
  request(
    'hold',
    (place) => new sdk.PutObjectLegalHoldCommand({ ...place, ChecksumAlgorithm, LegalHold: { Status: 'ON' } }),
  ),
  request(
    'tag',
    (place) =>
      new sdk.PutObjectTaggingCommand({ ...place, ChecksumAlgorithm, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
  ),
  request('untag', (place) => new sdk.DeleteObjectTaggingCommand(place)),
  request(
    'open to everybody',
    (place) => new sdk.PutObjectAclCommand({ ...place, ChecksumAlgorithm, ACL: 'public-read' }),
  ),
]

const everybody = (Bucket: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'All',
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:*',
        Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
      },
    ],
  })

/** Of the bucket. */
export const settings: readonly Request[] = [
  request('replace the policy', ({ Bucket }) => new sdk.PutBucketPolicyCommand({ Bucket, Policy: everybody(Bucket) })),
  request('remove the policy', ({ Bucket }) => new sdk.DeleteBucketPolicyCommand({ Bucket })),
  request(
    'suspend versions',
    ({ Bucket }) => new sdk.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }),
  ),
  request(
    'lift the lock',
    ({ Bucket }) =>
      new sdk.PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } }),
  ),
  request('open the bucket', ({ Bucket }) => new sdk.PutBucketAclCommand({ Bucket, ACL: 'public-read' })),
  request(
    'own it',
    ({ Bucket }) =>
      new sdk.PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
      }),
  ),
  request('remove the bucket', ({ Bucket }) => new sdk.DeleteBucketCommand({ Bucket })),
]

/** What the server said: done, refused (by its policies or its locks), or anything else, which decides nothing. */
export async function outcome(
  client: sdk.S3Client,
  bucket: string,
  one: Request,
  target: Target,
): Promise<'done' | 'refused' | string> {
  try {
    const answer = (await one.send(client, bucket, target)) as { Errors?: { Code?: string }[] }
    const [error] = answer.Errors ?? []
    return error === undefined
      ? 'done'
      : /AccessDenied|Locked/.test(error.Code ?? '')
        ? 'refused'
        : (error.Code ?? 'error')
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } }
    return $metadata?.httpStatusCode === 403 ? 'refused' : `${$metadata?.httpStatusCode ?? ''} ${name}`
  }
}

export async function digest(client: sdk.S3Client, Bucket: string, Key: string, VersionId?: string): Promise<string> {
  const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key, VersionId }))
  return createHash('sha256')
    .update((await Body?.transformToByteArray()) ?? '')
    .digest('hex')
}
