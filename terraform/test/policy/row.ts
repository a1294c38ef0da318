import type { cast, places } from './cast.ts'

/** Requests, and what must become of them. Nothing here knows the policies: it is what an operator was promised. */
export interface Row {
  expect: 'allow' | 'deny'
  who: keyof typeof cast
  /** An action, or one of `ways` below. */
  does: string
  where: keyof typeof places
  key?: string
  /** Said of the request besides. */
  with?: Readonly<Record<string, string>>
}

/** A PUT as S3 sees it. `overwrite`: without the condition. `part`: a request of an upload that creates nothing yet. */
export const ways: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  create: { 's3:if-none-match': '*', 's3:ObjectCreationOperation': 'true' },
  overwrite: { 's3:ObjectCreationOperation': 'true' },
  part: { 's3:ObjectCreationOperation': 'false' },
  copyOver: { 's3:ObjectCreationOperation': 'true', 's3:x-amz-copy-source': '/acme-logs/evil' },
}

export const allow = (who: Row['who'], does: string, where: Row['where'], key?: string, more?: Row['with']): Row =>
  row('allow', who, does, where, key, more)
export const deny = (who: Row['who'], does: string, where: Row['where'], key?: string, more?: Row['with']): Row =>
  row('deny', who, does, where, key, more)

function row(
  expect: Row['expect'],
  who: Row['who'],
  does: string,
  where: Row['where'],
  key?: string,
  more?: Row['with'],
): Row {
  return {
    expect,
    who,
    does,
    where,
    ...(key === undefined ? {} : { key }),
    ...(more === undefined ? {} : { with: more }),
  }
}

export const own = 'AROAAGENT:i-0aaa'
export const segment = (host: string, prefix = 'prod/'): string =>
  `${prefix}segments/${host}/20261120T101500123456789Z-1a2b/00000000000000000000-e3b0c44298fc1c14`
export const prefixOf = (prefix: string): Record<string, string> => ({ 's3:prefix': prefix })
export const kinds = ['segments', 'seals', 'gaps', 'aliases', 'digests', 'probes']

/** What nobody may do to an object, whatever else they may. */
export const changes = [
  'BypassGovernanceRetention',
  'DeleteObject',
  'DeleteObjectTagging',
  'DeleteObjectVersion',
  'DeleteObjectVersionTagging',
  'ObjectOwnerOverrideToBucketOwner',
  'PutObjectAcl',
  'PutObjectLegalHold',
  'PutObjectRetention',
  'PutObjectTagging',
  'PutObjectVersionAcl',
  'PutObjectVersionTagging',
  'UpdateObjectEncryption',
].map((name) => `s3:${name}`)

/** What only administrators may do to a bucket. */
export const settings = [
  'DeleteBucket',
  'DeleteBucketPolicy',
  'PauseReplication',
  'PutBucketAbac',
  'PutBucketAcl',
  'PutBucketLogging',
  'PutBucketNotification',
  'PutBucketObjectLockConfiguration',
  'PutBucketOwnershipControls',
  'PutBucketPolicy',
  'PutBucketPublicAccessBlock',
  'PutBucketVersioning',
  'PutEncryptionConfiguration',
  'PutLifecycleConfiguration',
  'PutReplicationConfiguration',
].map((name) => `s3:${name}`)

export const foreignKey = {
  's3:x-amz-server-side-encryption-aws-kms-key-id': 'arn:aws:kms:eu-central-1:999999999999:key/0000',
}
export const plain = { 'aws:SecureTransport': 'false' }
export const oldTls = { 's3:TlsVersion': '1.1' }
export const byService = { 'aws:PrincipalIsAWSService': 'true' }

/** What the role may do in its buckets, it may not do in another. */
export function nothingElsewhere(who: Row['who'], key: string, prefix: string): Row[] {
  return [
    ...[key, 'files/x'].flatMap((one) =>
      ['create', 'part', 's3:GetObject', 's3:AbortMultipartUpload'].map((does) => deny(who, does, 'elsewhere', one)),
    ),
    ...[prefix, 'files/'].map((one) => deny(who, 's3:ListBucket', 'elsewhere', undefined, prefixOf(one))),
    deny(who, 's3:GetBucketVersioning', 'elsewhere'),
  ]
}
