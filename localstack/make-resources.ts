import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as s3 from '@aws-sdk/client-s3'
import * as sqs from '@aws-sdk/client-sqs'
import { queueUrl, region } from './place.ts'

/** Makes buckets, queues, role, notifications and policies: the requests in resources.json, one after the other. */
interface Call {
  service: 's3' | 'sqs' | 'iam'
  command: string
  input: { [name: string]: unknown }
}

/** It has no queues and roles, and no condition that makes a bucket create-only. */
const knownToMinio = new Set(['CreateBucket', 'PutBucketVersioning', 'PutObjectLockConfiguration'])

export async function makeResources(endpoint: string, isMinio = false): Promise<number> {
  const all = JSON.parse(readFileSync(join(import.meta.dirname, 'resources.json'), 'utf8')) as Call[]
  const calls = isMinio ? all.filter(({ command }) => knownToMinio.has(command)) : all
  const { AWS_ACCESS_KEY_ID: accessKeyId = 'test', AWS_SECRET_ACCESS_KEY: secretAccessKey = 'test' } = process.env
  const settings = { endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 3 }
  const buckets = new s3.S3Client({ ...settings, forcePathStyle: true })
  const queues = new sqs.SQSClient({ ...settings, useQueueUrlAsEndpoint: false })
  try {
    for (const call of calls) {
      try {
        if (call.service === 'iam') await askIam(endpoint, call)
        else if (call.service === 's3') await buckets.send(commandOf(s3, call) as never)
        else await queues.send(commandOf(sqs, withUrl(call, endpoint)) as never)
      } catch (error) {
        // Of a run that was broken off.
        if (/BucketAlreadyOwnedByYou|EntityAlreadyExists/.test(`${(error as Error).name} ${(error as Error).message}`))
          continue
        throw new Error(`${call.service} ${call.command}: ${(error as Error).message}`, { cause: error })
      }
    }
    return calls.length
  } finally {
    buckets.destroy()
    queues.destroy()
  }
}

function commandOf(sdk: object, { command, input }: Call): unknown {
  const Command = (sdk as { [name: string]: unknown })[`${command}Command`] as
    | (new (
        input: object,
      ) => unknown)
    | undefined
  if (Command === undefined) throw new Error('there is no such command')
  return new Command(input)
}

/** A queue is named by its URL, which only this machine knows. */
function withUrl(call: Call, endpoint: string): Call {
  if (call.command === 'CreateQueue') return call
  const { QueueName, ...input } = call.input
  return { ...call, input: { ...input, QueueUrl: queueUrl(endpoint).replace(/[^/]+$/, String(QueueName)) } }
}

/** IAM as a form, so that no client of its own is needed: a local AWS looks at no signature. */
async function askIam(endpoint: string, { command, input }: Call): Promise<void> {
  const scope = `test/20260101/${region}/iam/aws4_request`
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0` },
    body: new URLSearchParams({ Action: command, Version: '2010-05-08', ...(input as { [name: string]: string }) }),
    signal: AbortSignal.timeout(30_000),
  })
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 500)}`)
}

if (process.argv[1] === import.meta.filename) {
  const [endpoint, minio] = process.argv.slice(2)
  if (endpoint === undefined) throw new Error('make-resources.ts ENDPOINT [--minio]')
  process.stdout.write(`${await makeResources(endpoint, minio === '--minio')} requests\n`)
}
