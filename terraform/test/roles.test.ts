import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { commandMs, ended } from '../../packaging/run.ts'
import { installInTurn } from '../../test/real/install.ts'
import { startServer } from '../../test/real/start-server.ts'
import { cast } from './policy/cast.ts'
import { type Policies, readPolicies } from './policy/policies.ts'
import { type Guard, startGuard } from './servers/guard.ts'

/** The programs themselves with the planned roles, and no right more: what an agent and a compactor need is what they have. */
const logcask = join(import.meta.dirname, '../../src/main.ts')
const account = '111122223333'

const installed = await installInTurn(['ministack']).get('ministack')
const skip = installed?.isInstalled === true ? false : `ministack: ${installed?.why ?? 'not installed'}`

let policies: Policies
let store: Awaited<ReturnType<typeof startServer>>
let directory: string

before(async () => {
  if (skip !== false) return
  directory = mkdtempSync(join(tmpdir(), 'lcr-'))
  policies = await readPolicies()
  store = await startServer('ministack')
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new S3Client({ endpoint: store.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  for (const Bucket of ['acme-logs', 'acme-archive']) {
    await client.send(new CreateBucketCommand({ Bucket }))
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  client.destroy()
  mkdirSync(join(directory, 'log'))
  writeFileSync(join(directory, 'log/app.log'), Array.from({ length: 5_000 }, (_, line) => `${line} a line\n`).join(''))
  // Too long for one PUT of a whole file: it goes in parts.
  writeFileSync(join(directory, 'log/long.log'), Buffer.alloc(20 * 2 ** 20, 'all the same\n'))
})

after(async () => {
  await store?.stop()
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
})

async function command(guard: Guard, user: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    TMPDIR: directory,
    AWS_ACCESS_KEY_ID: user,
    AWS_SECRET_ACCESS_KEY: 'of-tests',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_S3: guard.endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
    no_proxy: '127.0.0.1',
  }
  const { code, stdout, stderr } = await ended(process.execPath, [logcask, ...args], { env, withinMs: commandMs })
  return { code, output: stdout + stderr }
}

const instance = 'AROAAGENT:i-0aaa'
const log = (name: string): string => join(directory, 'log', name)

test('an instance ships, and ships again without its state; another host it cannot ship for', { skip }, async () => {
  const guard = await startGuard(
    store.endpoint,
    policies,
    account,
    new Map([['acme-logs', 'single-region.vault']]),
    new Map([['agent', cast.agent]]),
  )
  try {
    const to = ['--to', 's3://acme-logs/prod/', '--quiet']
    for (const state of ['one', 'two']) {
      const shipped = await command(
        guard,
        'agent',
        'ship',
        log('app.log'),
        '--host',
        instance,
        '--state',
        join(directory, state),
        ...to,
      )
      assert.equal(shipped.code, 0, shipped.output)
    }
    assert.deepEqual(guard.refused, [])
    const other = await command(
      guard,
      'agent',
      'ship',
      log('app.log'),
      '--host',
      'AROAAGENT:i-0bbb',
      '--state',
      join(directory, 'three'),
      ...to,
    )
    assert.equal(other.code, 1, other.output)
    assert.ok(guard.refused.length > 0)
  } finally {
    await guard.close()
  }
})

test('a machine with a certificate ships whole files, in parts, where that is exempt', { skip }, async () => {
  const guard = await startGuard(
    store.endpoint,
    policies,
    account,
    new Map([['acme-logs', 'on-premises.vault']]),
    new Map([['machine', cast.machine]]),
  )
  try {
    const common = ['--host', 'db-1.example.com', '--to', 's3://acme-logs/', '--quiet']
    const as = ['--as', 'files/{year}/{month}/{filename}']
    for (const state of ['four', 'five']) {
      const shipped = await command(
        guard,
        'machine',
        'ship',
        log('long.log'),
        ...as,
        '--state',
        join(directory, state),
        ...common,
      )
      assert.equal(shipped.code, 0, shipped.output)
    }
    assert.deepEqual(guard.refused, [])
    const elsewhere = await command(
      guard,
      'machine',
      'ship',
      log('long.log'),
      '--as',
      'other/{filename}',
      '--state',
      join(directory, 'six'),
      ...common,
    )
    assert.notEqual(elsewhere.code, 0, elsewhere.output)
  } finally {
    await guard.close()
  }
})

test('a compactor archives what the instance shipped, and writes nothing into the vault', { skip }, async () => {
  const buckets = new Map([
    ['acme-logs', 'single-region.vault'],
    ['acme-archive', 'single-region.archive'],
  ])
  const guard = await startGuard(store.endpoint, policies, account, buckets, new Map([['compactor', cast.compactor]]))
  try {
    const archive = ['--archive', 's3://acme-archive/files/', '--spool', directory, '--once']
    for (const _ of ['first', 'again']) {
      const compacted = await command(guard, 'compactor', 'compact', '--from', 's3://acme-logs/prod/', ...archive)
      assert.equal(compacted.code, 0, compacted.output)
    }
    assert.deepEqual(guard.refused, [])
    assert.ok(guard.used.has('s3:PutObject') && !guard.used.has('s3:DeleteObject'))
    const archived = await command(
      guard,
      'compactor',
      'ship',
      log('app.log'),
      '--host',
      instance,
      '--state',
      join(directory, 'seven'),
      '--to',
      's3://acme-logs/prod/',
      '--quiet',
    )
    assert.notEqual(archived.code, 0, 'its role does not ship')
  } finally {
    await guard.close()
  }
})

test("a directory is published by the compactor's role", { skip }, async () => {
  const guard = await startGuard(
    store.endpoint,
    policies,
    account,
    new Map([['acme-logs', 'single-region.vault']]),
    new Map([['compactor', cast.compactor]]),
  )
  try {
    const to = join(directory, 'published')
    const compacted = await command(
      guard,
      'compactor',
      'compact',
      '--from',
      's3://acme-logs/prod/',
      '--to',
      to,
      '--once',
    )
    assert.equal(compacted.code, 0, compacted.output)
    assert.deepEqual(guard.refused, [])
    const file = readdirSync(to, { recursive: true, encoding: 'utf8' }).find(
      (name) => /app\.log~/.test(name) && !/\/\./.test(`/${name}`),
    )
    assert.ok(file)
    assert.equal(readFileSync(join(to, file), 'utf8'), readFileSync(log('app.log'), 'utf8'))
  } finally {
    await guard.close()
  }
})
