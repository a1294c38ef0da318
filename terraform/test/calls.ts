import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plan } from './policy/policies.ts'
import { openTerraform, terraformDirectory } from './terraform.ts'

/** A request to AWS, as its SDKs name it. */
export interface Call {
  service: 's3' | 'sqs' | 'iam'
  command: string
  input: Record<string, unknown>
}

export const resourcesFile = join(terraformDirectory, '../localstack/resources.json')

type Values = Record<string, unknown>
type Resource = { address: string; type: string; change: { after: Values } }

/** In the order in which they depend on each other; the policies last, as in the module. */
const order = [
  'aws_iam_role',
  'aws_iam_role_policy',
  'aws_sqs_queue',
  'aws_sqs_queue_redrive_allow_policy',
  'aws_sqs_queue_policy',
  'aws_s3_bucket',
  'aws_s3_bucket_versioning',
  'aws_s3_bucket_ownership_controls',
  'aws_s3_bucket_public_access_block',
  'aws_s3_bucket_server_side_encryption_configuration',
  'aws_s3_bucket_object_lock_configuration',
  'aws_s3_bucket_lifecycle_configuration',
  'aws_s3_bucket_notification',
  'aws_s3_bucket_policy',
]

/** What the plan of the localstack example would send to AWS. Throws for a kind of resource that it cannot say. */
export async function planCalls(): Promise<Call[]> {
  const terraform = await openTerraform()
  try {
    const { resource_changes } = await plan(terraform, 'examples/localstack')
    const unknown = resource_changes.find(({ type }) => !order.includes(type))
    if (unknown) throw new Error(`${unknown.address}: localstack/ cannot make a ${unknown.type}`)
    return resource_changes
      .toSorted((a, b) => order.indexOf(a.type) - order.indexOf(b.type) || sequence(a, b))
      .map((resource) => callOf(resource, resource_changes))
  } finally {
    terraform.close()
  }
}

/** A queue after the one that it hands messages on to. */
function sequence(a: Resource, b: Resource): number {
  const hands = (resource: Resource): number => (typeof resource.change.after.redrive_policy === 'string' ? 1 : 0)
  return hands(a) - hands(b) || (a.address < b.address ? -1 : 1)
}

function callOf({ address, type, change: { after } }: Resource, all: readonly Resource[]): Call {
  const Bucket = after.bucket
  const s3 = (command: string, input: Values): Call => ({ service: 's3', command, input: { Bucket, ...input } })
  switch (type) {
    case 'aws_iam_role':
      return iam('CreateRole', { RoleName: after.name, AssumeRolePolicyDocument: after.assume_role_policy })
    case 'aws_iam_role_policy':
      return iam('PutRolePolicy', {
        RoleName: all.find((one) => one.type === 'aws_iam_role')?.change.after.name,
        PolicyName: after.name,
        PolicyDocument: after.policy,
      })
    case 'aws_sqs_queue':
      return sqs('CreateQueue', {
        QueueName: after.name,
        Attributes: present({
          MessageRetentionPeriod: text(after.message_retention_seconds),
          VisibilityTimeout: text(after.visibility_timeout_seconds),
          ReceiveMessageWaitTimeSeconds: text(after.receive_wait_time_seconds),
          SqsManagedSseEnabled: text(after.sqs_managed_sse_enabled),
          RedrivePolicy: after.redrive_policy,
        }),
      })
    case 'aws_sqs_queue_policy':
      return sqs('SetQueueAttributes', { QueueName: queueOf(address, all), Attributes: { Policy: after.policy } })
    case 'aws_sqs_queue_redrive_allow_policy':
      return sqs('SetQueueAttributes', {
        QueueName: queueOf(address, all),
        Attributes: { RedriveAllowPolicy: after.redrive_allow_policy },
      })
    case 'aws_s3_bucket':
      return s3('CreateBucket', { ObjectLockEnabledForBucket: after.object_lock_enabled })
    case 'aws_s3_bucket_versioning':
      return s3('PutBucketVersioning', {
        VersioningConfiguration: { Status: only(after.versioning_configuration).status },
      })
    case 'aws_s3_bucket_ownership_controls':
      return s3('PutBucketOwnershipControls', {
        OwnershipControls: { Rules: [{ ObjectOwnership: only(after.rule).object_ownership }] },
      })
    case 'aws_s3_bucket_public_access_block':
      return s3('PutPublicAccessBlock', {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: after.block_public_acls,
          BlockPublicPolicy: after.block_public_policy,
          IgnorePublicAcls: after.ignore_public_acls,
          RestrictPublicBuckets: after.restrict_public_buckets,
        },
      })
    case 'aws_s3_bucket_server_side_encryption_configuration': {
      const rule = only(after.rule)
      const SSEAlgorithm = only(rule.apply_server_side_encryption_by_default).sse_algorithm
      const Rules = [
        { ApplyServerSideEncryptionByDefault: { SSEAlgorithm }, BucketKeyEnabled: rule.bucket_key_enabled },
      ]
      return s3('PutBucketEncryption', { ServerSideEncryptionConfiguration: { Rules } })
    }
    case 'aws_s3_bucket_object_lock_configuration': {
      const { mode, days } = only(only(after.rule).default_retention)
      const Rule = { DefaultRetention: { Mode: mode, Days: days } }
      return s3('PutObjectLockConfiguration', { ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } })
    }
    case 'aws_s3_bucket_lifecycle_configuration':
      return s3('PutBucketLifecycleConfiguration', { LifecycleConfiguration: { Rules: list(after.rule).map(ruleOf) } })
    case 'aws_s3_bucket_notification':
      return s3('PutBucketNotificationConfiguration', {
        NotificationConfiguration: {
          QueueConfigurations: list(after.queue).map((queue) => ({
            Id: queue.id,
            QueueArn: queue.queue_arn,
            Events: queue.events,
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: queue.filter_prefix }] } },
          })),
        },
      })
    case 'aws_s3_bucket_policy':
      return s3('PutBucketPolicy', { Policy: after.policy })
    default:
      throw new Error(`${address}: no call for ${type}`)
  }
}

function ruleOf(rule: Values): Values {
  return present({
    ID: rule.id,
    Status: rule.status,
    Filter: { Prefix: only(rule.filter).prefix },
    Expiration: some(rule.expiration, ({ days }) => ({ Days: days })),
    NoncurrentVersionExpiration: some(rule.noncurrent_version_expiration, (one) => ({
      NoncurrentDays: one.noncurrent_days,
    })),
    AbortIncompleteMultipartUpload: some(rule.abort_incomplete_multipart_upload, (one) => ({
      DaysAfterInitiation: one.days_after_initiation,
    })),
  })
}

const iam = (command: string, input: Values): Call => ({ service: 'iam', command, input })
const sqs = (command: string, input: Values): Call => ({ service: 'sqs', command, input })
const list = (value: unknown): Values[] => value as Values[]

function only(value: unknown): Values {
  const [one, ...more] = list(value)
  if (one === undefined || more.length > 0) throw new Error('expected one block')
  return one
}

function some(value: unknown, make: (one: Values) => Values): Values | undefined {
  const [one] = list(value)
  return one && make(one)
}

/** The queue of the same name in the configuration, in the same module. */
function queueOf(address: string, all: readonly Resource[]): unknown {
  const name = address.replace(/aws_sqs_queue_(redrive_allow_)?policy/, 'aws_sqs_queue')
  return all.find((one) => one.address === name)?.change.after.name
}

function text(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}

function present(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null))
}

export function formatCalls(calls: readonly Call[]): string {
  return `${JSON.stringify(calls, null, 2)}\n`
}

if (process.argv[1] === import.meta.filename) writeFileSync(resourcesFile, formatCalls(await planCalls()))
