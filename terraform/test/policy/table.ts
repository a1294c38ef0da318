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

const allow = (who: Row['who'], does: string, where: Row['where'], key?: string, more?: Row['with']): Row =>
  row('allow', who, does, where, key, more)
const deny = (who: Row['who'], does: string, where: Row['where'], key?: string, more?: Row['with']): Row =>
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

const own = 'AROAAGENT:i-0aaa'
const segment = (host: string, prefix = 'prod/'): string =>
  `${prefix}segments/${host}/20261120T101500123456789Z-1a2b/00000000000000000000-e3b0c44298fc1c14`
const prefixOf = (prefix: string): Record<string, string> => ({ 's3:prefix': prefix })
const kinds = ['segments', 'seals', 'gaps', 'aliases', 'digests', 'probes']

/** What nobody may do to an object, whatever else they may. */
const changes = [
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
const settings = [
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

const foreignKey = {
  's3:x-amz-server-side-encryption-aws-kms-key-id': 'arn:aws:kms:eu-central-1:999999999999:key/0000',
}
const plain = { 'aws:SecureTransport': 'false' }
const oldTls = { 's3:TlsVersion': '1.1' }
const byService = { 'aws:PrincipalIsAWSService': 'true' }

/** Every bucket that vault-bucket makes says the same of those who may do everything. */
const vaults = (['vault', 'archive', 'onPremises', 'source'] as const).flatMap((where) => [
  deny('operator', 'overwrite', where, 'any/key'),
  deny('root', 'overwrite', where, 'any/key'),
  deny('admin', 'overwrite', where, 'any/key'),
  deny('operator', 'copyOver', where, 'any/key'),
  allow('operator', 'create', where, 'any/key'),
  ...changes.map((action) => deny('operator', action, where, segment(own))),
  deny('admin', 's3:DeleteObject', where, segment(own)),
  deny('root', 's3:DeleteObjectVersion', where, segment(own)),
  ...settings.flatMap((action) => [deny('operator', action, where), allow('admin', action, where)]),
  deny('root', 's3:PutLifecycleConfiguration', where),
  deny('operator', 's3:ReplicateObject', where, segment(own)),
  deny('operator', 's3:ReplicateTags', where, segment(own)),
  deny('operator', 's3:ReplicateDelete', where, segment(own)),
  deny('operator', 'create', where, 'any/key', foreignKey),
  deny('operator', 'create', where, 'any/key', { 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' }),
  deny('operator', 's3:GetObject', where, segment(own), plain),
  deny('operator', 's3:ListBucket', where, undefined, plain),
  deny('operator', 's3:GetObject', where, segment(own), oldTls),
  deny('operator', 's3:ListBucket', where, undefined, oldTls),
  allow('operator', 's3:GetObject', where, segment(own), { ...plain, ...byService }),
  allow('operator', 's3:GetObject', where, segment(own), { ...oldTls, ...byService }),
  allow('operator', 's3:GetObjectVersion', where, segment(own)),
  allow('operator', 's3:ListBucket', where),
  // Also where parts are exempt: what is made of them is not.
  deny('operator', 'overwrite', where, 'probes/x'),
  deny('operator', 'overwrite', where, 'files/x'),
  deny('operator', 'copyOver', where, 'files/x'),
  deny('stranger', 's3:GetObject', where, segment(own)),
  deny('stranger', 'create', where, segment(own)),
  deny('anonymous', 's3:GetObject', where, segment(own)),
  deny('anonymous', 'create', where, segment(own)),
])

/** What the role may do in its buckets, it may not do in another. */
function nothingElsewhere(who: Row['who'], key: string, prefix: string): Row[] {
  return [
    ...[key, 'files/x'].flatMap((one) =>
      ['create', 'part', 's3:GetObject', 's3:AbortMultipartUpload'].map((does) => deny(who, does, 'elsewhere', one)),
    ),
    ...[prefix, 'files/'].map((one) => deny(who, 's3:ListBucket', 'elsewhere', undefined, prefixOf(one))),
    deny(who, 's3:GetBucketVersioning', 'elsewhere'),
  ]
}

const instances = [
  ...(['vault', 'bareVault'] as const).flatMap((where) => [
    ...kinds.map((kind) => allow('agent', 'create', where, `prod/${kind}/${own}/x`)),
    ...kinds.map((kind) => allow('agent', 's3:GetObject', where, `prod/${kind}/${own}/x`)),
    allow('agent', 's3:GetObjectVersion', where, segment(own)),
    allow('agent', 's3:ListBucket', where, undefined, prefixOf(`prod/segments/${own}/`)),
    allow('agent', 's3:ListBucketVersions', where, undefined, prefixOf(`prod/seals/${own}/`)),
    allow('agent', 's3:GetBucketVersioning', where),
    deny('agent', 'overwrite', where, segment(own)),
    deny('agent', 'copyOver', where, segment(own)),
    deny('agent', 'part', where, segment(own)),
    deny('agent', 'create', where, segment('AROAAGENT:i-0bbb')),
    deny('otherAgent', 'create', where, segment(own)),
    deny('otherAgent', 's3:GetObject', where, segment(own)),
    deny('otherAgent', 's3:ListBucket', where, undefined, prefixOf(`prod/segments/${own}/`)),
    deny('agent', 'create', where, segment(own, '')),
    deny('agent', 'create', where, segment(own, 'test/')),
    deny('agent', 'create', where, 'prod/files/x'),
    deny('agent', 'create', where, `prod/segments/${own}`),
    deny('agent', 's3:ListBucket', where),
    deny('agent', 's3:ListBucket', where, undefined, prefixOf('')),
    deny('agent', 's3:ListBucket', where, undefined, prefixOf('prod/segments/')),
    ...[...changes, 's3:RestoreObject', 's3:GetObjectAcl', 's3:AbortMultipartUpload'].map((action) =>
      deny('agent', action, where, segment(own)),
    ),
    ...[...settings, 's3:GetBucketPolicy'].map((action) => deny('agent', action, where)),
    deny('thiefInOtherVpc', 'create', where, segment(own)),
    deny('thiefInSameVpc', 'create', where, segment(own)),
    deny('thiefByInternet', 'create', where, segment(own)),
    deny('thiefByImdsV1', 'create', where, segment(own)),
    allow('thiefByInternet', 's3:GetObject', where, segment(own), { 'aws:ViaAWSService': 'true' }),
    // S3 asks KMS in the role's name, from wherever it is.
    allow('thiefInOtherVpc', 's3:GetObject', where, segment(own), { 'aws:ViaAWSService': 'true' }),
    allow('thiefInSameVpc', 's3:GetObject', where, segment(own), { 'aws:ViaAWSService': 'true' }),
    // A session that was never on an instance, as in a test, is not bound to one.
    allow('agentOffInstance', 'create', where, segment('AROAAGENT:test')),
  ]),
  ...nothingElsewhere('agent', segment(own), `prod/segments/${own}/`),
  deny('agent', 's3:GetObject', 'archive', 'files/x'),
]

const compactors = [
  ...(['vault', 'bareVault'] as const).flatMap((where) => [
    allow('compactor', 's3:GetObject', where, segment(own)),
    allow('compactor', 's3:GetObjectVersion', where, segment(own)),
    allow('compactor', 's3:ListBucket', where),
    allow('compactor', 's3:ListBucketVersions', where),
    allow('compactor', 's3:GetBucketVersioning', where),
    deny('compactor', 's3:GetObject', where, 'test/segments/x'),
    ...['create', 'overwrite', 'part'].map((way) => deny('compactor', way, where, segment(own))),
    ...[...changes, 's3:RestoreObject', 's3:GetObjectAcl', 's3:AbortMultipartUpload'].map((action) =>
      deny('compactor', action, where, segment(own)),
    ),
    ...[...settings, 's3:GetBucketPolicy'].map((action) => deny('compactor', action, where)),
  ]),
  ...(['archive', 'bareArchive'] as const).flatMap((where) => [
    ...['create', 'part'].map((way) => allow('compactor', way, where, 'files/host=web-1/x.gz')),
    ...['overwrite', 'copyOver'].map((way) => deny('compactor', way, where, 'files/host=web-1/x.gz')),
    ...['create', 'part'].map((way) => deny('compactor', way, where, 'other/x.gz')),
    allow('compactor', 's3:AbortMultipartUpload', where, 'files/x'),
    allow('compactor', 's3:GetObject', where, 'files/x'),
    allow('compactor', 's3:GetObjectVersion', where, 'files/x'),
    allow('compactor', 's3:ListBucket', where, undefined, prefixOf('files/')),
    allow('compactor', 's3:ListBucketVersions', where, undefined, prefixOf('files/')),
    allow('compactor', 's3:GetBucketVersioning', where),
    deny('compactor', 's3:ListBucket', where, undefined, prefixOf('')),
    deny('compactor', 's3:GetObject', where, 'other/x'),
    ...[...changes, 's3:RestoreObject', 's3:GetObjectAcl'].map((action) => deny('compactor', action, where, 'files/x')),
    ...[...settings, 's3:GetBucketPolicy'].map((action) => deny('compactor', action, where)),
  ]),
  ...['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility', 'GetQueueAttributes'].map((name) =>
    allow('compactor', `sqs:${name}`, 'queue'),
  ),
  ...['SendMessage', 'PurgeQueue', 'SetQueueAttributes', 'DeleteQueue'].map((name) =>
    deny('compactor', `sqs:${name}`, 'queue'),
  ),
  ...(['compactor', 'compactorWithKey'] as const).flatMap((who) => [
    ...nothingElsewhere(who, 'prod/segments/x', ''),
    deny(who, 'sqs:ReceiveMessage', 'otherQueue'),
  ]),
  deny('compactor', 'kms:Decrypt', 'key'),
]

const queue = [
  allow('s3', 'sqs:SendMessage', 'queue', undefined, {
    'aws:SourceArn': 'arn:aws:s3:::acme-logs',
    'aws:SourceAccount': '111122223333',
  }),
  deny('s3', 'sqs:SendMessage', 'queue', undefined, {
    'aws:SourceArn': 'arn:aws:s3:::acme-evil',
    'aws:SourceAccount': '111122223333',
  }),
  deny('s3', 'sqs:SendMessage', 'queue', undefined, {
    'aws:SourceArn': 'arn:aws:s3:::acme-logs',
    'aws:SourceAccount': '999999999999',
  }),
  deny('s3', 'sqs:ReceiveMessage', 'queue', undefined, {
    'aws:SourceArn': 'arn:aws:s3:::acme-logs',
    'aws:SourceAccount': '111122223333',
  }),
  deny('stranger', 'sqs:SendMessage', 'queue'),
  deny('anonymous', 'sqs:SendMessage', 'queue'),
  deny('agent', 'sqs:SendMessage', 'queue'),
  allow('operator', 'sqs:GetQueueAttributes', 'queue'),
  deny('operator', 'sqs:ReceiveMessage', 'queue', undefined, plain),
  allow('operator', 'sqs:GetQueueAttributes', 'queue', undefined, { ...plain, ...byService }),
]

/** The bucket and the role are in different accounts: both policies must say yes, and each is tried beside one that says yes to all. */
const acrossAccounts = (['eu', 'us'] as const).flatMap((where) => [
  ...(['agentOfTwo', 'namedAgent'] as const).flatMap((who) => [
    ...kinds.map((kind) => allow(who, 'create', where, `${kind}/${own}/x`)),
    ...kinds.map((kind) => allow(who, 's3:GetObject', where, `${kind}/${own}/x`)),
    allow(who, 's3:GetObjectVersion', where, segment(own, '')),
    allow(who, 's3:ListBucket', where, undefined, prefixOf(`segments/${own}/`)),
    allow(who, 's3:ListBucketVersions', where, undefined, prefixOf(`segments/${own}/`)),
    allow(who, 's3:GetBucketVersioning', where),
    deny(who, 'overwrite', where, segment(own, '')),
    deny(who, 'part', where, segment(own, '')),
    deny(who, 'create', where, segment('AROAAGENT:i-0bbb', '')),
    deny(who, 's3:GetObject', where, segment('AROAAGENT:i-0bbb', '')),
    deny(who, 's3:ListBucket', where, undefined, prefixOf('segments/')),
    ...[...changes, 's3:RestoreObject', 's3:GetObjectAcl', 's3:AbortMultipartUpload'].map((action) =>
      deny(who, action, where, segment(own, '')),
    ),
    ...[...settings, 's3:GetBucketPolicy'].map((action) => deny(who, action, where)),
  ]),
  ...(['thiefOfTwoInOtherVpc', 'thiefOfTwoByInternet', 'thiefOfTwoByImdsV1'] as const).map((who) =>
    deny(who, 'create', where, segment(own, '')),
  ),
  allow('thiefOfTwoInOtherVpc', 's3:GetObject', where, segment(own, ''), { 'aws:ViaAWSService': 'true' }),
  allow('thiefOfTwoByInternet', 's3:GetObject', where, segment(own, ''), { 'aws:ViaAWSService': 'true' }),
  allow('agentOfTwoByNat', 'create', where, segment(own, '')),
  allow('agentOfTwoOffInstance', 'create', where, segment('AROAAGENT:test', '')),
  ...nothingElsewhere('agentOfTwo', segment(own, ''), `segments/${own}/`),
  allow('auditor', 's3:GetObject', where, segment(own, '')),
  allow('auditor', 's3:GetObjectVersion', where, segment(own, '')),
  allow('auditor', 's3:ListBucket', where),
  allow('auditor', 's3:ListBucketVersions', where),
  allow('auditor', 's3:GetBucketVersioning', where),
  deny('auditor', 'create', where, segment(own, '')),
  deny('auditor', 's3:GetObjectAcl', where, segment(own, '')),
  deny('auditor', 's3:RestoreObject', where, segment(own, '')),
  deny('auditor', 's3:GetBucketPolicy', where),
  // Another role of the instances' account is nobody there, also below what would be its own host.
  ...['create', 's3:GetObject'].map((does) => deny('operator', does, where, segment('AROAOPERATOR:jo', ''))),
  deny('operator', 's3:ListBucket', where, undefined, prefixOf('segments/AROAOPERATOR:jo/')),
  deny('operator', 's3:GetBucketVersioning', where),
  // Nobody of the vault's own account is spared, either.
  ...(where === 'eu' ? (['adminOfEu', 'operatorOfEu'] as const) : (['adminOfUs', 'operatorOfUs'] as const)).flatMap(
    (who) => [
      deny(who, 'overwrite', where, 'any/key'),
      ...changes.map((action) => deny(who, action, where, segment(own, ''))),
      ...settings.map((action) => (who.startsWith('admin') ? allow(who, action, where) : deny(who, action, where))),
      ...['s3:ReplicateObject', 's3:ReplicateTags', 's3:ReplicateDelete'].map((action) =>
        deny(who, action, where, 'any/key'),
      ),
      allow(who, 'create', where, 'any/key'),
      deny(who, 'create', where, 'any/key', foreignKey),
      deny(who, 'create', where, 'any/key', { 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' }),
      deny(who, 's3:GetObject', where, 'any/key', plain),
      deny(who, 's3:GetObject', where, 'any/key', oldTls),
      deny(who, 's3:ListBucket', where, undefined, plain),
      deny(who, 's3:ListBucket', where, undefined, oldTls),
      allow(who, 's3:ListBucket', where),
      allow(who, 's3:GetObject', where, 'any/key', { ...plain, ...byService }),
      allow(who, 's3:GetObject', where, 'any/key', { ...oldTls, ...byService }),
    ],
  ),
])

/** The role's own policy, where no bucket's says no. */
const acrossAccountsBare = (['bareEu', 'bareUs'] as const).flatMap((where) => [
  ...kinds.map((kind) => allow('agentOfTwo', 'create', where, `${kind}/${own}/x`)),
  deny('agentOfTwo', 'overwrite', where, `segments/${own}/x`),
  deny('agentOfTwo', 's3:GetObjectAcl', where, `segments/${own}/x`),
  deny('agentOfTwo', 's3:GetBucketPolicy', where),
  deny('agentOfTwo', 's3:ListBucket', where, undefined, prefixOf('segments/')),
])

const machines = (['onPremises', 'bareVault'] as const).flatMap((where) => [
  ...kinds.map((kind) => allow('machine', 'create', where, `${kind}/db-1.example.com/x`)),
  ...kinds.map((kind) => allow('machine', 's3:GetObject', where, `${kind}/db-1.example.com/x`)),
  allow('machine', 's3:GetObjectVersion', where, segment('db-1.example.com', '')),
  allow('machine', 's3:ListBucket', where, undefined, prefixOf('segments/db-1.example.com/')),
  allow('machine', 's3:ListBucketVersions', where, undefined, prefixOf('files/2026/')),
  allow('machine', 's3:GetBucketVersioning', where),
  ...nothingElsewhere('machine', segment('db-1.example.com', ''), 'segments/db-1.example.com/'),
  deny('machine', 's3:ListBucket', where, undefined, prefixOf('segments/')),
  deny('machine', 'create', where, segment('db-2.example.com', '')),
  deny('machine', 's3:GetObject', where, segment('db-2.example.com', '')),
  deny('machine', 'overwrite', where, segment('db-1.example.com', '')),
  deny('machine', 'part', where, segment('db-1.example.com', '')),
  allow('machine', 'create', where, 'files/2026/11/21/haproxy.gz'),
  allow('machine', 'part', where, 'files/2026/11/21/haproxy.gz'),
  allow('machine', 'part', where, 'probes/db-1.example.com/large'),
  allow('machine', 's3:AbortMultipartUpload', where, 'probes/db-1.example.com/large'),
  deny('machine', 'part', where, 'probes/db-2.example.com/large'),
  deny('machine', 'overwrite', where, 'probes/db-1.example.com/large'),
  deny('machine', 'overwrite', where, 'files/2026/11/21/haproxy.gz'),
  deny('machine', 'copyOver', where, 'files/2026/11/21/haproxy.gz'),
  allow('machine', 's3:GetObject', where, 'files/2026/11/21/haproxy.gz'),
  allow('machine', 's3:AbortMultipartUpload', where, 'files/2026/11/21/haproxy.gz'),
  deny('machine', 's3:AbortMultipartUpload', where, segment('db-1.example.com', '')),
  ...['files/x', segment('db-1.example.com', '')].flatMap((key) =>
    [...changes, 's3:RestoreObject', 's3:GetObjectAcl'].map((action) => deny('machine', action, where, key)),
  ),
  ...[...settings, 's3:GetBucketPolicy'].map((action) => deny('machine', action, where)),
  deny('thiefOfMachine', 'create', where, segment('db-1.example.com', '')),
  allow('thiefOfMachine', 's3:GetObject', where, 'files/x', { 'aws:ViaAWSService': 'true' }),
  // An exemption for parts is none for whoever may do everything.
  deny('operator', 'part', 'onPremises', segment('db-1.example.com', '')),
  allow('operator', 'part', 'onPremises', 'files/x'),
])

const throughS3 = { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' }

const keysAndReplicas = [
  ...(['source', 'bareSource'] as const).flatMap((where) => [
    ...kinds.map((kind) => allow('agentWithKey', 'create', where, `${kind}/${own}/x`)),
    ...kinds.map((kind) => allow('agentWithKey', 's3:GetObject', where, `${kind}/${own}/x`)),
    allow('agentWithKey', 's3:GetObjectVersion', where, `segments/${own}/x`),
    allow('agentWithKey', 's3:ListBucket', where, undefined, prefixOf(`segments/${own}/`)),
    allow('agentWithKey', 's3:ListBucketVersions', where, undefined, prefixOf(`segments/${own}/`)),
    deny('agentWithKey', 's3:ListBucket', where, undefined, prefixOf('segments/')),
    allow('agentWithKey', 's3:GetBucketVersioning', where),
    allow('agentWithKey', 'create', where, 'files/x'),
    allow('agentWithKey', 'part', where, 'files/x'),
    allow('agentWithKey', 'part', where, `probes/${own}/large`),
    allow('agentWithKey', 's3:AbortMultipartUpload', where, `probes/${own}/large`),
    allow('agentWithKey', 's3:GetObject', where, 'files/x'),
    allow('agentWithKey', 's3:AbortMultipartUpload', where, 'files/x'),
    deny('agentWithKey', 'overwrite', where, 'files/x'),
    deny('agentWithKey', 'overwrite', where, `segments/${own}/x`),
    deny('agentWithKey', 'part', where, `segments/${own}/x`),
    deny('agentWithKey', 's3:GetBucketPolicy', where),
    ...['files/x', `segments/${own}/x`].flatMap((key) =>
      ['s3:RestoreObject', 's3:GetObjectAcl', 's3:DeleteObject'].map((action) =>
        deny('agentWithKey', action, where, key),
      ),
    ),
    allow('compactorWithKey', 's3:GetObject', where, `segments/${own}/x`),
    allow('compactorWithKey', 's3:GetObjectVersion', where, `segments/${own}/x`),
    allow('compactorWithKey', 's3:ListBucket', where),
    allow('compactorWithKey', 's3:ListBucketVersions', where),
    allow('compactorWithKey', 's3:GetBucketVersioning', where),
    deny('compactorWithKey', 'create', where, `segments/${own}/x`),
    deny('compactorWithKey', 's3:GetObjectAcl', where, `segments/${own}/x`),
    deny('compactorWithKey', 's3:GetBucketPolicy', where),
  ]),
  ...nothingElsewhere('agentWithKey', `segments/${own}/x`, `segments/${own}/`),
  ...['create', 'part'].map((way) => allow('compactorWithKey', way, 'keyedArchive', 'files/x')),
  deny('compactorWithKey', 'overwrite', 'keyedArchive', 'files/x'),
  ...['GetObject', 'GetObjectVersion', 'AbortMultipartUpload'].map((name) =>
    allow('compactorWithKey', `s3:${name}`, 'keyedArchive', 'files/x'),
  ),
  ...['ListBucket', 'ListBucketVersions'].map((name) =>
    allow('compactorWithKey', `s3:${name}`, 'keyedArchive', undefined, prefixOf('files/')),
  ),
  deny('compactorWithKey', 's3:ListBucket', 'keyedArchive', undefined, prefixOf('')),
  allow('compactorWithKey', 's3:GetBucketVersioning', 'keyedArchive'),
  deny('compactorWithKey', 's3:GetBucketPolicy', 'keyedArchive'),
  deny('compactorWithKey', 's3:GetObjectAcl', 'keyedArchive', 'files/x'),
  ...['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility', 'GetQueueAttributes'].map((name) =>
    allow('compactorWithKey', `sqs:${name}`, 'queue'),
  ),
  deny('compactorWithKey', 'sqs:PurgeQueue', 'queue'),
  allow('operator', 'create', 'source', 'any/key', {
    's3:x-amz-server-side-encryption-aws-kms-key-id':
      'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  }),
  // Keys: through S3 only, and never away.
  ...['kms:Decrypt', 'kms:GenerateDataKey'].flatMap((action) => [
    allow('agentWithKey', action, 'key', undefined, throughS3),
    deny('agentWithKey', action, 'key'),
    deny('agentWithKey', action, 'otherKey', undefined, throughS3),
    allow('compactorWithKey', action, 'otherKey', undefined, throughS3),
    deny('compactorWithKey', action, 'otherKey'),
  ]),
  allow('compactorWithKey', 'kms:Decrypt', 'key', undefined, throughS3),
  deny('compactorWithKey', 'kms:Decrypt', 'key'),
  deny('compactorWithKey', 'kms:GenerateDataKey', 'key', undefined, throughS3),
  deny('compactorWithKey', 'kms:Decrypt', 'thirdKey', undefined, throughS3),
  ...(['key', 'otherKey'] as const).flatMap((where) =>
    (['agentWithKey', 'compactorWithKey'] as const).map((who) => deny(who, 'kms:Encrypt', where, undefined, throughS3)),
  ),
  // By its own policy alone: of another key, nothing.
  deny('replication', 'kms:Decrypt', 'thirdKey'),
  deny('replication', 'kms:GenerateDataKey', 'thirdKey'),
  ...['kms:Decrypt', 'kms:GenerateDataKey'].flatMap((action) => [
    allow('agentElsewhere', action, 'key', undefined, throughS3),
    deny('agentElsewhere', action, 'key'),
    deny('stranger', action, 'key', undefined, throughS3),
    deny('operatorElsewhere', action, 'key', undefined, throughS3),
  ]),
  deny('agentElsewhere', 'kms:Encrypt', 'key', undefined, throughS3),
  ...['kms:ScheduleKeyDeletion', 'kms:DisableKey', 'kms:DeleteImportedKeyMaterial'].flatMap((action) =>
    (['operator', 'admin', 'root'] as const).map((who) => deny(who, action, 'key')),
  ),
  ...['kms:PutKeyPolicy', 'kms:CreateGrant'].flatMap((action) => [
    deny('operator', action, 'key'),
    allow('admin', action, 'key'),
  ]),
  allow('operator', 'kms:DescribeKey', 'key'),
  // Replication: reads here, copies there, and deletes in neither.
  ...['GetReplicationConfiguration', 'ListBucket'].map((name) => allow('replication', `s3:${name}`, 'source')),
  ...[
    'GetObjectLegalHold',
    'GetObjectRetention',
    'GetObjectVersionAcl',
    'GetObjectVersionForReplication',
    'GetObjectVersionTagging',
  ].map((name) => allow('replication', `s3:${name}`, 'source', segment(own, ''))),
  deny('replication', 's3:GetBucketPolicy', 'source'),
  deny('replication', 's3:GetObjectAcl', 'bareSource', segment(own, '')),
  deny('replication', 'create', 'source', segment(own, '')),
  allow('replication', 's3:ReplicateObject', 'replica', segment(own, '')),
  allow('replication', 's3:ReplicateObject', 'bareReplica', segment(own, '')),
  deny('replication', 's3:GetObjectAcl', 'bareReplica', segment(own, '')),
  deny('replication', 's3:ListBucket', 'elsewhere'),
  deny('replication', 's3:GetObjectRetention', 'elsewhere', segment(own, '')),
  deny('replication', 's3:ReplicateObject', 'elsewhere', segment(own, '')),
  allow('replication', 'kms:Decrypt', 'key'),
  deny('replication', 'kms:Encrypt', 'key'),
  allow('replication', 'kms:GenerateDataKey', 'replicaKey'),
  deny('replication', 'kms:Encrypt', 'replicaKey'),
  allow('namedReplication', 's3:ReplicateObject', 'replica', segment(own, '')),
  ...['ReplicateDelete', 'ReplicateTags', 'DeleteObject', 'GetObject', 'GetObjectAcl', 'RestoreObject'].map((name) =>
    deny('namedReplication', `s3:${name}`, 'replica', segment(own, '')),
  ),
  deny('namedReplication', 'create', 'replica', segment(own, '')),
  deny('namedReplication', 'overwrite', 'replica', segment(own, '')),
  deny('operator', 's3:ReplicateObject', 'replica', segment(own, '')),
  deny('stranger', 's3:ReplicateObject', 'replica', segment(own, '')),
  ...['ReplicateObject', 'ReplicateTags', 'ReplicateDelete'].map((name) =>
    deny('operatorOfEu', `s3:${name}`, 'replica', segment(own, '')),
  ),
  ...changes.map((action) => deny('operatorOfEu', action, 'replica', segment(own, ''))),
  ...settings.flatMap((action) => [deny('operatorOfEu', action, 'replica'), allow('adminOfEu', action, 'replica')]),
  deny('operatorOfEu', 'overwrite', 'replica', 'any/key'),
  deny('operatorOfEu', 'create', 'replica', 'any/key', foreignKey),
  deny('operatorOfEu', 'create', 'replica', 'any/key', {
    's3:x-amz-server-side-encryption-customer-algorithm': 'AES256',
  }),
  allow('operatorOfEu', 'create', 'replica', 'any/key'),
  deny('operatorOfEu', 's3:GetObject', 'replica', 'any/key', plain),
  deny('operatorOfEu', 's3:GetObject', 'replica', 'any/key', oldTls),
  deny('operatorOfEu', 's3:ListBucket', 'replica', undefined, plain),
  deny('operatorOfEu', 's3:ListBucket', 'replica', undefined, oldTls),
  allow('operatorOfEu', 's3:ListBucket', 'replica'),
  allow('operatorOfEu', 's3:GetObject', 'replica', 'any/key', { ...plain, ...byService }),
  allow('operatorOfEu', 's3:GetObject', 'replica', 'any/key', { ...oldTls, ...byService }),
]

export const table: readonly Row[] = [
  ...vaults,
  ...instances,
  ...compactors,
  ...queue,
  ...acrossAccounts,
  ...acrossAccountsBare,
  ...machines,
  ...keysAndReplicas,
]
