import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTerraform, terraformDirectory } from './terraform.ts'

const page = readFileSync(join(terraformDirectory, '../docs/aws.md'), 'utf8')
const blocks = (kind: string): string[] =>
  [...page.matchAll(/^```(\S+)[^\n]*\n([\s\S]*?)^```$/gm)].flatMap(([, one, text = '']) => (one === kind ? [text] : []))

test('docs/aws.md: its Terraform is valid', async () => {
  // A page names its own resource types; the stand-in learns them from the files that it is given.
  const found = blocks('hcl')
  assert.ok(found.length >= 2)
  const terraform = await openTerraform(found)
  try {
    for (const [index, text] of found.entries()) {
      const room = `examples/page-${index}`
      mkdirSync(join(terraform.directory, room))
      writeFileSync(join(terraform.directory, room, 'main.tf'), text)
      await terraform.run(room, 'init', '-input=false', '-no-color')
      assert.match(await terraform.run(room, 'validate', '-no-color'), /Success!/)
    }
  } finally {
    terraform.close()
  }
})

test('docs/aws.md: its JSON is a policy, and what it names is there', () => {
  for (const text of blocks('json')) assert.equal((JSON.parse(text) as { Version: string }).Version, '2012-10-17')
  for (const [, path = ''] of page.matchAll(/\]\(\.\.\/(\S+?)\)/g))
    assert.ok(readFileSync(join(terraformDirectory, '..', path.endsWith('.md') ? path : `${path}/README.md`)), path)
})
