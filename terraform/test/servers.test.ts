import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as sdk from '@aws-sdk/client-s3'
import { commandMs, ended } from '../../packaging/run.ts'
import { type Policies, readPolicies } from './policy/policies.ts'
import { type Adapted, adapt } from './servers/adapted.ts'
import {
  askVersioning,
  changes,
  create,
  digest,
  list,
  listVersions,
  outcome,
  overwrite,
  type Request,
  read,
  settings,
  type Target,
} from './servers/requests.ts'
import { owner, type PolicyServer, startCeph, startVersitygw } from './servers/start.ts'

/**
 * The planned policy of a vault on servers with policy engines of their own (neither is AWS): whom it lets do what; then a host that was
 * taken over plays out all that it can (I2, I9).
 */
const users = ['web-1', 'web-2', 'compactor', 'stranger'] as const
const planned = 'acme-logs-eu'
const logcask = join(import.meta.dirname, '../../src/main.ts')

let policies: Policies | undefined
/** Actions that the server takes in a policy. */
let known = new Set<string>()

for (const [name, start] of [
  ['versitygw', startVersitygw],
  ['ceph-rgw', startCeph],
] as const) {
  test(name, async (t) => {
    let server: PolicyServer
    try {
      server = await start(users)
    } catch (error) {
      const why = `${name}: not run: ${(error as Error).message}`
      if (process.env.CI === 'true') throw new Error(why, { cause: error })
      t.skip(why)
      return
    }
    try {
      policies ??= await readPolicies()
      known = await knownActions(server)
      await t.test('requests are let through and refused as the table says', (t) =>
        askAll(server, (text) => t.diagnostic(text)),
      )
      const skip = server.seesPlainHttp ? false : 'its policies see no difference between http and https'
      await t.test('plain http is refused', { skip }, () => askPlain(server))
      await t.test('a host that was taken over adds, and changes and removes nothing', (t) =>
        playOut(server, (text) => t.diagnostic(text)),
      )
    } finally {
      await server.stop()
    }
  })
}

function adapted(server: PolicyServer, actual: string, hasTls: boolean): Adapted {
  const policy = policies?.get('two-regions.eu')
  assert.ok(policy)
  const agents = [
    { user: 'web-1', host: 'web-1' },
    { user: 'web-2', host: 'web-2' },
  ]
  const knowsCondition = (key: string): boolean =>
    (hasTls || key !== 'aws:SecureTransport') && server.dialect.knowsCondition(key)
  return adapt(
    policy,
    { planned, actual },
    { agents, reader: 'compactor' },
    { ...server.dialect, knowsAction: (action) => known.has(action), knowsCondition },
  )
}

/** Which actions of the planned policy it takes, by its own answers. */
async function knownActions(server: PolicyServer): Promise<Set<string>> {
  const Bucket = 'actions'
  const root = server.client(owner)
  await root.send(new sdk.CreateBucketCommand({ Bucket }))
  const found = new Set<string>()
  for (const { Action } of policies?.get('two-regions.eu')?.Statement ?? []) {
    for (const action of [Action].flat()) {
      for (const Resource of [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`]) {
        const statement = {
          Sid: 'One',
          Effect: 'Deny',
          Principal: server.dialect.principalOf('stranger'),
          Action: [action],
          Resource: [Resource],
        }
        const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
        const isTaken = await root.send(new sdk.PutBucketPolicyCommand({ Bucket, Policy })).then(
          () => true,
          () => false,
        )
        if (isTaken) found.add(action)
      }
    }
  }
  return found
}

async function makeVault(server: PolicyServer, Bucket: string): Promise<{ root: sdk.S3Client; leftOut: string[] }> {
  const root = server.client(owner)
  await root.send(
    new sdk.CreateBucketCommand({ Bucket, ...(server.isVersioned ? { ObjectLockEnabledForBucket: true } : {}) }),
  )
  if (server.isVersioned) {
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: 1 } }
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const, Rule }
    await root.send(new sdk.PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
  }
  const { policy, leftOut } = adapted(server, Bucket, false)
  await root.send(new sdk.PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(policy) }))
  return { root, leftOut }
}

type Row = ['done' | 'refused', (typeof users)[number], Request, string]

/** Who asks for what below which host. */
const table: Row[] = [
  ...(['web-1', 'web-2'] as const).flatMap((who): Row[] => {
    const other = who === 'web-1' ? 'web-2' : 'web-1'
    return [
      ['done', who, create, who],
      ['done', who, read, who],
      ['done', who, list(`segments/${who}/`), who],
      ['done', who, list(`seals/${who}/`), who],
      ['refused', who, create, other],
      ['refused', who, overwrite, other],
      ['refused', who, read, other],
      ['refused', who, list(`segments/${other}/`), other],
      ['refused', who, list('segments/'), other],
      ['refused', who, list(''), other],
      ...[who, other].flatMap((host) => changes.map((one): Row => ['refused', who, one, host])),
      ...settings.map((one): Row => ['refused', who, one, who]),
    ]
  }),
  ['done', 'compactor', read, 'web-1'],
  ['done', 'compactor', list(''), 'web-1'],
  ['refused', 'compactor', create, 'web-1'],
  ['refused', 'compactor', overwrite, 'web-1'],
  ...changes.map((one): Row => ['refused', 'compactor', one, 'web-1']),
  ...settings.map((one): Row => ['refused', 'compactor', one, 'web-1']),
  ['refused', 'stranger', read, 'web-1'],
  ['refused', 'stranger', list(''), 'web-1'],
  ['refused', 'stranger', create, 'web-1'],
  ...changes.map((one): Row => ['refused', 'stranger', one, 'web-1']),
  ...settings.map((one): Row => ['refused', 'stranger', one, 'web-1']),
]

/** Of versions, where there are any. */
const versioned: Row[] = [
  ['done', 'web-1', askVersioning, 'web-1'],
  ['done', 'web-1', listVersions('segments/web-1/'), 'web-1'],
  ['refused', 'web-1', listVersions('segments/web-2/'), 'web-1'],
  ['done', 'compactor', listVersions(''), 'web-1'],
  ['refused', 'stranger', listVersions(''), 'web-1'],
]

async function askAll(server: PolicyServer, tell: (text: string) => void): Promise<void> {
  const bucket = 'policy-table'
  const { leftOut } = await makeVault(server, bucket)
  const targets = new Map<string, Target>()
  for (const host of ['web-1', 'web-2']) {
    const Key = `segments/${host}/s/0`
    const put = new sdk.PutObjectCommand({ Bucket: bucket, Key, Body: 'delivered', IfNoneMatch: '*' })
    const { VersionId } = await server.client(host).send(put)
    targets.set(host, { Key, VersionId, free: `segments/${host}/s/1` })
  }
  const wrong: string[] = []
  const rows = [...table, ...(server.isVersioned ? versioned : [])].filter(
    ([, , { what }]) => !server.unknown.includes(what),
  )
  for (const [expected, who, one, host] of rows) {
    const target = targets.get(host)
    assert.ok(target)
    const answer = await outcome(server.client(who), bucket, one, target)
    if (answer !== expected) wrong.push(`${who} ${one.what} of ${host}: ${answer}, not ${expected}`)
  }
  tell(`${rows.length} requests; the server cannot say ${[...leftOut, ...server.unknown].join(', ')}`)
  assert.deepEqual(wrong, [])
  for (const [host, { Key, VersionId }] of targets) {
    const { Body } = await server.client(host).send(new sdk.GetObjectCommand({ Bucket: bucket, Key, VersionId }))
    assert.equal(await Body?.transformToString(), 'delivered', host)
  }
}

async function askPlain(server: PolicyServer): Promise<void> {
  const bucket = 'plain-http'
  const { root } = await makeVault(server, bucket)
  const target = { Key: 'segments/web-1/s/0', free: 'segments/web-1/s/0' }
  assert.equal(await outcome(server.client('web-1'), bucket, create, target), 'done')
  const { policy } = adapted(server, bucket, true)
  assert.ok(policy.Statement.some(({ Sid }) => Sid === 'TlsOnly'))
  await root.send(new sdk.PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }))
  for (const one of [read, list('segments/web-1/')])
    assert.equal(await outcome(server.client('web-1'), bucket, one, target), 'refused', one.what)
}

async function playOut(server: PolicyServer, tell: (text: string) => void): Promise<void> {
  const bucket = 'taken-over'
  await makeVault(server, bucket)
  const directory = mkdtempSync(join(tmpdir(), 'lcp-'))
  try {
    const log = join(directory, 'log/app.log')
    mkdirSync(join(directory, 'log'))
    writeFileSync(log, Array.from({ length: 20_000 }, (_, line) => `${line} delivered before\n`).join(''))
    const url = `s3://${bucket}/?endpoint=${server.endpoint}`
    const command = async (user: string, ...args: string[]): Promise<{ stdout: string; code: number }> => {
      const env = {
        PATH: process.env.PATH ?? '',
        HOME: directory,
        AWS_ACCESS_KEY_ID: user,
        AWS_SECRET_ACCESS_KEY: server.secretOf(user),
        AWS_REGION: 'us-east-1',
        AWS_EC2_METADATA_DISABLED: 'true',
        no_proxy: '127.0.0.1',
      }
      const { code, stdout, stderr } = await ended(process.execPath, [logcask, ...args], { env, withinMs: commandMs })
      return { stdout: code === 0 ? stdout : `${stdout}${stderr}`, code }
    }

    // The real agent, with no more rights than the policy gives.
    for (const host of ['web-1', 'web-2']) {
      const shipped = await command(
        host,
        'ship',
        log,
        '--to',
        url,
        '--host',
        host,
        '--state',
        join(directory, host),
        '--quiet',
      )
      assert.equal(shipped.code, 0, shipped.stdout)
    }
    const thief = server.client('web-1')
    const reader = server.client('compactor')
    const { Contents = [] } = await reader.send(new sdk.ListObjectsV2Command({ Bucket: bucket }))
    assert.ok(Contents.length >= 4)
    const before = await Promise.all(
      Contents.map(async ({ Key = '' }) => [Key, await digest(reader, bucket, Key)] as const),
    )

    const succeeded: string[] = []
    for (const { Key = '' } of Contents) {
      for (const one of [...changes, ...settings]) {
        const answer = await outcome(thief, bucket, one, { Key, free: Key })
        if (answer === 'done') succeeded.push(`${one.what} ${Key}`)
      }
    }
    assert.deepEqual(succeeded, [])

    // What is left to it: names of its own. An overwritten key keeps its first version, where there are versions.
    assert.equal(await outcome(thief, bucket, create, { Key: '', free: 'segments/web-1/forged/0' }), 'done')
    if (server.isVersioned) {
      for (const { Key = '' } of Contents) {
        const answer = await outcome(thief, bucket, overwrite, { Key, free: Key })
        assert.equal(answer, Key.includes('/web-1/') ? 'done' : 'refused', Key)
      }
      tell('no server but AWS enforces create-only by policy: the thief overwrote its own keys, as further versions')
    }

    const after = await Promise.all(
      before.map(
        async ([Key]) => [Key, await digest(reader, bucket, Key, await oldest(server, reader, bucket, Key))] as const,
      ),
    )
    assert.deepEqual(after, before)
    for (const host of ['web-1', 'web-2']) {
      const content = await command('compactor', 'cat', url, host, log)
      assert.equal(content.stdout, readFileSync(log, 'utf8'), `${host}: what was delivered is read as it was`)
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function oldest(
  { isVersioned }: PolicyServer,
  client: sdk.S3Client,
  Bucket: string,
  Prefix: string,
): Promise<string | undefined> {
  if (!isVersioned) return undefined
  const { Versions = [] } = await client.send(new sdk.ListObjectVersionsCommand({ Bucket, Prefix }))
  return Versions.filter(({ Key }) => Key === Prefix).at(-1)?.VersionId
}
