import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { commandMs, type Ended, ended } from '../packaging/run.ts'
import { startAgent } from './hosts.ts'
import {
  archive,
  checkout,
  environment,
  type Host,
  hosts,
  isRunning,
  logOf,
  place,
  queueUrl,
  type Record,
  readRecord,
  recordFile,
  region,
  vault,
} from './place.ts'
import { end } from './processes.ts'

/** Two hosts write and rotate, one is killed and forgets all; every byte has to be in the complete files, once. */
const began = performance.now()
/** A net for a machine that is busy, not a measure. */
const limitMs = 180_000

async function demo(record: Record): Promise<void> {
  for (const host of hosts) write(host, 2_000)
  say('writers', 'web-1 and web-2 write numbered lines')
  await sleep(1_500)

  for (const host of hosts) {
    rotate(host)
    write(host, 1_000)
  }
  say('logrotate', 'app.log becomes app.log.1 on both')

  const index = record.processes.findIndex(({ name }) => name === 'web-2')
  const agent = record.processes[index]
  if (agent === undefined) throw new Error('no agent of web-2')
  await end(agent, 0)
  rmSync(join(place, 'web-2/state'), { recursive: true })
  write('web-2', 500)
  record.processes[index] = startAgent('web-2', record.endpoint)
  writeFileSync(recordFile, `${JSON.stringify(record, null, 2)}\n`)
  say('web-2', 'agent killed by SIGKILL, its state deleted, started again')

  await until(
    'every byte is in a complete file',
    () => differences().length === 0,
    () => differences().join('\n'),
  )
  say('server', `${record.page}: ${published().length} complete files, equal to what was written`)
  await tamper(record)
  const answer = await logcask(record, 'verify', '--from', vault)
  if (answer.code === 0 || !answer.stdout.includes('versions, the oldest counts'))
    throw new Error(`verify does not name the key:\n${answer.stdout}${answer.stderr}`)
  if (differences().length > 0) throw new Error(`tampering changed what is published:\n${differences().join('\n')}`)
  say('verify', 'the overwritten key is named; the oldest version counts, nothing that was published has changed')

  await until(
    'hints are all taken',
    async () => (await waiting(record)) === 0,
    () => 'messages are left',
  )
  await until(
    'the rotated file of each host is sealed',
    async () => (await keysOf(record, 'acme-logs', 'prod/seals/')).length >= hosts.length,
    () => 'a seal is missing',
  )
  const packed = await logcask(record, 'compact', '--from', vault, '--archive', archive, '--once')
  if (![0, 1, 3].includes(packed.code)) throw new Error(`compact --archive: ${packed.stderr}`)
  const archived = (await keysOf(record, 'acme-archive', 'files/host=')).length
  if (archived < hosts.length) throw new Error(`${archived} objects in the archive:\n${packed.stdout}${packed.stderr}`)
  say('archive', `${archived} sealed files as one object each`)

  const written = hosts.flatMap(filesOf)
  const bytes = written.reduce((sum, { length }) => sum + length, 0)
  process.stdout.write(
    `\n${bytes.toLocaleString('en')} bytes in ${written.length} files: 0 lost, 0 doubled, 0 rewritten\nnext: ${record.page}/api/v1/hosts, or localstack/down\n`,
  )
}

/** What a stolen key could do to a store that does not enforce the policy. Here it may; AWS would answer 403. */
async function tamper(record: Record): Promise<void> {
  const client = s3(record)
  try {
    const [Key] = await keysOf(record, 'acme-logs', 'prod/segments/')
    if (Key === undefined) throw new Error('no segment')
    const outcome = await client.send(new PutObjectCommand({ Bucket: 'acme-logs', Key, Body: 'forged' })).then(
      () => 'stored as a further version: a local AWS does not enforce the policy that AWS would',
      (error: Error) => `refused: ${error.name}`,
    )
    say('thief', `overwrites a segment: ${outcome}`)
    await client.send(new DeleteObjectCommand({ Bucket: 'acme-logs', Key })).catch(() => undefined)
  } finally {
    client.destroy()
  }
}

function s3({ endpoint }: Record): S3Client {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true })
}

async function keysOf(record: Record, Bucket: string, Prefix: string): Promise<string[]> {
  const client = s3(record)
  try {
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix }))
    return [...new Set(Versions.map(({ Key = '' }) => Key))]
  } finally {
    client.destroy()
  }
}

async function waiting({ endpoint }: Record): Promise<number> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new SQSClient({ endpoint, region, credentials, useQueueUrlAsEndpoint: false })
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
  try {
    const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl(endpoint), AttributeNames: [...names] })
    const { Attributes = {} } = await client.send(command)
    return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0)
  } finally {
    client.destroy()
  }
}

let line = 0

function write(host: Host, lines: number): void {
  const text = Array.from({ length: lines }, () => `${String(++line).padStart(8, '0')} ${host} ${'x'.repeat(60)}\n`)
  appendFileSync(logOf(host), text.join(''))
}

function rotate(host: Host): void {
  const log = logOf(host)
  for (let number = 8; number > 0; number--) {
    if (existsSync(`${log}.${number}`)) renameSync(`${log}.${number}`, `${log}.${number + 1}`)
  }
  renameSync(log, `${log}.1`)
}

function filesOf(host: Host): Buffer[] {
  const directory = join(place, host, 'log')
  return readdirSync(directory).map((name) => readFileSync(join(directory, name)))
}

/** The sink's own records begin with a dot. */
function published(): Buffer[] {
  const directory = join(place, 'published')
  const names = existsSync(directory) ? readdirSync(directory, { recursive: true, withFileTypes: true }) : []
  return names
    .filter((entry) => entry.isFile() && entry.name.includes('~'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
}

/** What is in one of the two and not in the other, by content. */
function differences(): string[] {
  const name = (content: Buffer): string =>
    `${content.length} bytes ${createHash('sha256').update(content).digest('hex')}`
  const written = hosts.flatMap(filesOf).map(name).toSorted()
  const found = published().map(name).toSorted()
  return [
    ...written.filter((one) => !found.includes(one)).map((one) => `not published: ${one}`),
    ...found.filter((one) => !written.includes(one)).map((one) => `not written: ${one}`),
    ...(written.length === found.length ? [] : [`${written.length} files written, ${found.length} published`]),
  ]
}

async function until(what: string, isSo: () => boolean | Promise<boolean>, why: () => string): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`not so after ${limitMs / 1000} s: ${what}\n${why()}`)
    await sleep(100)
  }
}

function logcask(record: Record, ...args: string[]): Promise<Ended> {
  const options = { env: environment(record.endpoint, 'operator'), withinMs: commandMs }
  return ended(process.execPath, [join(checkout, 'src/main.ts'), ...args], options)
}

function say(who: string, text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5)
  process.stdout.write(`${seconds}s ${who.padEnd(10)} ${text}\n`)
}

const record = readRecord()
if (record === undefined || !record.processes.every(isRunning)) {
  process.stderr.write('nothing is up: run localstack/up first\n')
  process.exitCode = 2
} else {
  await demo(record).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
}
