import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { planCalls, resourcesFile } from './calls.ts'

test('localstack/ makes what the localstack example plans', async () => {
  const made: unknown = JSON.parse(readFileSync(resourcesFile, 'utf8'))
  assert.deepEqual(made, await planCalls(), 'node terraform/test/calls.ts writes localstack/resources.json anew')
})
