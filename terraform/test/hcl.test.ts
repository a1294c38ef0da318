import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { commandMs, run } from '../../packaging/run.ts'
import { plan } from './policy/policies.ts'
import { readmeOf } from './readme.ts'
import { openTerraform, roomsIn, type Terraform, terraformDirectory } from './terraform.ts'

const modules = roomsIn(terraformDirectory, 'modules')
const examples = roomsIn(terraformDirectory, 'examples')

let terraform: Terraform

before(async () => {
  terraform = await openTerraform()
})
after(() => terraform.close())

test('terraform fmt has nothing to change', async () => {
  assert.equal(await terraform.run('.', 'fmt', '-check', '-recursive', '-diff', '-no-color'), '')
})

for (const room of [...modules, ...examples]) {
  test(`${room}: terraform validate`, async () => {
    await terraform.run(room, 'init', '-input=false', '-no-color')
    assert.match(await terraform.run(room, 'validate', '-no-color'), /Success! The configuration is valid\.\n/)
  })

  test(`${room}: every variable and output has a description, every variable a type; the README lists them`, () => {
    for (const file of ['variables.tf', 'outputs.tf']) {
      const path = join(terraformDirectory, room, file)
      if (!existsSync(path)) continue
      for (const [, kind, name, body = ''] of readFileSync(path, 'utf8').matchAll(
        /^(variable|output) "(\w+)" \{\n([\s\S]*?)^\}/gm,
      )) {
        assert.match(body, /^ {2}description += "/m, `${kind} ${name}`)
        if (kind === 'variable') assert.match(body, /^ {2}type += /m, `${kind} ${name}`)
      }
    }
    const { is, should } = readmeOf(room)
    assert.equal(is, should, 'node terraform/test/readme.ts writes it anew')
    const variables = join(terraformDirectory, room, 'variables.tf')
    for (const [, name, type] of existsSync(variables)
      ? readFileSync(variables, 'utf8').matchAll(
          /^variable "(\w+)" \{\n(?: {2}description .*\n)? {2}type += (.*[^({\n])\n/gm,
        )
      : [])
      assert.ok(is.includes(`| \`${name}\` | \`${type}\` |`), `${name} is ${type}`)
  })
}

test('a slip in an attribute is found', async () => {
  const room = join(terraform.directory, 'slip')
  mkdirSync(room)
  writeFileSync(join(room, 'main.tf'), 'resource "aws_s3_bucket" "x" {\n  buket = "x"\n}\n')
  await terraform.run('slip', 'init', '-input=false', '-no-color')
  await assert.rejects(terraform.run('slip', 'validate', '-no-color'), /An argument named "buket" is not expected here/)
})

for (const room of modules.filter((one) => existsSync(join(terraformDirectory, one, 'tests')))) {
  test(`${room}: terraform test`, async (t) => {
    await terraform.run(room, 'init', '-input=false', '-no-color')
    const output = await terraform.run(room, 'test', '-no-color')
    assert.match(output, /^Success! \d+ passed, 0 failed\.$/m)
    t.diagnostic(/^Success! .*$/m.exec(output)?.[0] ?? '')
  })
}

test('terraform test asserts at least sixty things', () => {
  const asserted = modules.flatMap((room) => {
    const tests = join(terraformDirectory, room, 'tests')
    if (!existsSync(tests)) return []
    return readdirSync(tests).flatMap((file) => [
      ...readFileSync(join(tests, file), 'utf8').matchAll(/^\s+assert \{|^\s+expect_failures = /gm),
    ])
  })
  assert.ok(asserted.length >= 60, `${asserted.length}`)
})

for (const room of examples) {
  test(`${room}: logcask validate takes the configuration that it puts out`, async () => {
    const { planned_values } = await plan(terraform, room)
    const yaml = planned_values.outputs.agent_yaml?.value
    assert.ok(typeof yaml === 'string', 'agent_yaml is in the plan')
    const directory = mkdtempSync(join(tmpdir(), 'logcask-tf-'))
    try {
      const file = join(directory, 'agent.yaml')
      // Who the cloud says that this machine is, it says only there.
      writeFileSync(file, `${yaml.replace('{aws_userid}', 'AROAEXAMPLE:i-0abc')}state: ${directory}/state\n`)
      const main = join(terraformDirectory, '../src/main.ts')
      const env = { PATH: process.env.PATH ?? '', HOME: directory, AWS_CONFIG_FILE: join(directory, 'aws.config') }
      writeFileSync(env.AWS_CONFIG_FILE, '[profile logcask]\nregion = eu-central-1\n')
      const command = [main, 'validate', '-c', file, '--json']
      const stdout = await run(process.execPath, command, { env, withinMs: commandMs })
      const { destinations, host } = JSON.parse(stdout) as { destinations: { url: string }[]; host: string }
      assert.ok(destinations.length > 0 && destinations.every(({ url }) => url.startsWith('s3://')))
      assert.ok(host.length > 0)
      // What it was called before is what the policy says.
      assert.match(yaml, /"host": "\{(aws_userid|hostname)\}"/)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
}
