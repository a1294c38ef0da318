import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { describe, holds, policiesOf } from './policy/judge.ts'
import { type Mutant, mutantsOf } from './policy/mutants.ts'
import { type Policies, readPolicies } from './policy/policies.ts'
import { type Row, ways } from './policy/row.ts'
import { table } from './policy/table.ts'

/**
 * I2, I9: what the policies do, as they come out of the plans of the examples. Evaluated by iam-simulate, not by AWS: what root
 * keeps of a bucket's policy in spite of a deny (Get, Put, DeleteBucketPolicy) is beyond it.
 */
let policies: Policies

before(async () => {
  policies = await readPolicies()
})

const places = [...new Set(table.map(({ where }) => where))]
for (const where of places) {
  test(`requests to ${where} are allowed and denied as the table says`, async () => {
    const wrong: string[] = []
    for (const row of table.filter((one) => one.where === where))
      if (!(await holds(policies, row))) wrong.push(describe(row))
    assert.deepEqual(wrong, [])
  })
}

/** Slips that change nothing, since another statement says the same: two would have to go at once. */
const doubled = new Map([
  [
    'two-regions.agent ByTheInstancesEndpointsOnly: without Null aws:SourceVpc',
    'to this engine nothing equals or differs from a variable without a value; what AWS makes of it is not to matter',
  ],
  ['two-regions.eu Agent0Creates: without Null s3:if-none-match', 'CreateOnly denies it to all'],
  ['two-regions.us Agent0Creates: without Null s3:if-none-match', 'CreateOnly denies it to all'],
  [
    'everything.replica ReplicationCopies: without ArnEquals aws:PrincipalArn',
    'ReplicasOnlyByReplication denies it to all others',
  ],
])

test('every statement, action, resource and condition is needed: without it, or with one more, the table is red', async (t) => {
  const unnoticed: string[] = []
  const mutants = mutantsOf(policies)
  for (const mutant of mutants) if (!(await isNoticed(mutant))) unnoticed.push(mutant.what)
  t.diagnostic(`${mutants.length} slips, ${mutants.length - unnoticed.length} noticed`)
  assert.deepEqual(unnoticed.toSorted(), [...doubled.keys()].toSorted())
})

async function isNoticed({ policy, policies: mutated, notice }: Mutant): Promise<boolean> {
  const distance = (row: Row): number => {
    const action = ways[row.does] === undefined ? row.does : 's3:PutObject'
    const isAbout = notice.actions.some((one) => one === action || one.endsWith('*'))
    return (isAbout ? 0 : 2) + (row.expect === notice.expect ? 0 : 1)
  }
  const rows = table.filter((row) => policiesOf(row).includes(policy)).toSorted((a, b) => distance(a) - distance(b))
  for (const row of rows) if (!(await holds(mutated, row))) return true
  return false
}
