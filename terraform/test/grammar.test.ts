import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ended } from '../../packaging/run.ts'
import { type Policies, readPolicies } from './policy/policies.ts'

const cfnLint = process.env.LOGCASK_CFN_LINT ?? ''
const skip = existsSync(cfnLint) ? false : 'cfn-lint is not installed (terraform/test/run installs it from PyPI)'

/** Policies as CloudFormation has them, whose linter knows every action, operator and ARN. */
function templateOf(policies: Policies): object {
  const resources = [...policies].map(([name, policy]) => {
    const id = name.replaceAll(/[^A-Za-z]/g, '')
    if (policy.Statement.every(({ Principal }) => Principal === undefined))
      return [id, { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: policy } }]
    if (name.endsWith('queue'))
      return [id, { Type: 'AWS::SQS::QueuePolicy', Properties: { PolicyDocument: policy, Queues: ['q'] } }]
    if (name.endsWith('key')) return [id, { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: policy } }]
    return [id, { Type: 'AWS::S3::BucketPolicy', Properties: { Bucket: id.toLowerCase(), PolicyDocument: policy } }]
  })
  return { AWSTemplateFormatVersion: '2010-09-09', Resources: Object.fromEntries(resources) }
}

async function lint(policies: Policies): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'logcask-cfn-'))
  const file = join(directory, 'policies.json')
  try {
    writeFileSync(file, JSON.stringify(templateOf(policies)))
    const args = ['--format', 'parseable', '--regions', 'eu-central-1', '--', file]
    const { code, stdout, stderr } = await ended(cfnLint, args, { withinMs: 300_000 })
    return code === 0 ? stdout : `${stdout}${stderr}status ${code}`
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

test('the policies have the grammar of IAM', { skip }, async () => {
  assert.equal(await lint(await readPolicies()), '')
})

test('a slip in the grammar is found', { skip }, async () => {
  const Principal = '*'
  const slip = {
    Sid: 'Slip',
    Effect: 'Deny',
    Principal,
    Action: 's3:DeleteObjekt',
    Resource: '*',
    Condition: { Boool: { a: 'b' } },
  } as const
  const found = await lint(new Map([['slip.bucket', { Version: '2012-10-17', Statement: [slip] }]]))
  assert.match(found, /Boool/)
  assert.match(found, /deleteobjekt/i)
})
