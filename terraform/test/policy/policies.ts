import { openTerraform, type Terraform } from '../terraform.ts'

export interface Statement {
  Sid: string
  Effect: 'Allow' | 'Deny'
  Principal?: unknown
  Action: string | string[]
  Resource?: string | string[]
  NotResource?: string | string[]
  Condition?: Record<string, Record<string, unknown>>
}

export interface Policy {
  Version: string
  Statement: Statement[]
}

/** `<root>.<policy>`, as the roots put them out. */
export type Policies = Map<string, Policy>

/** Where policies are planned, and with which variables. */
export const roots: Readonly<Record<string, string>> = {
  'single-region': 'examples/single-region',
  'two-regions': 'examples/two-regions-two-accounts',
  'on-premises': 'examples/on-premises',
  everything: 'fixtures/everything',
}

interface Plan {
  planned_values: { outputs: Record<string, { value?: unknown }> }
  resource_changes: { address: string; type: string; change: { after: Record<string, unknown> } }[]
}

export async function plan(terraform: Terraform, room: string): Promise<Plan> {
  await terraform.run(room, 'init', '-input=false', '-no-color')
  const variables = room.startsWith('examples') && !room.endsWith('localstack')
  const file = variables ? ['-var-file=terraform.tfvars.example'] : []
  await terraform.run(room, 'plan', '-input=false', '-no-color', '-out=plan', ...file)
  return JSON.parse(await terraform.run(room, 'show', '-json', 'plan')) as Plan
}

/** As the examples and a fixture plan them: nothing here is written by hand. */
export async function readPolicies(): Promise<Policies> {
  const terraform = await openTerraform()
  const policies: Policies = new Map()
  try {
    for (const [root, room] of Object.entries(roots)) {
      const { planned_values } = await plan(terraform, room)
      const texts = planned_values.outputs.policies?.value as Record<string, string | undefined>
      for (const [name, text] of Object.entries(texts)) {
        if (typeof text !== 'string') throw new Error(`${room}: the policy ${name} is not in the plan`)
        policies.set(`${root}.${name}`, JSON.parse(text) as Policy)
      }
    }
  } finally {
    terraform.close()
  }
  return policies
}
