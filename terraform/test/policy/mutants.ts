import type { Policies, Policy, Statement } from './policies.ts'

/** A policy with one thing wrong, as a slip in an editor makes it. */
export interface Mutant {
  policy: string
  what: string
  policies: Policies
  /** Which rows are likely to notice: of these actions, and with this answer. Looked at first. */
  notice: { actions: readonly string[]; expect: 'allow' | 'deny' }
}

export function mutantsOf(policies: Policies): Mutant[] {
  const mutants: Mutant[] = []
  for (const [name, policy] of policies) {
    policy.Statement.forEach((statement, index) => {
      for (const { what, changed, action, isWider } of changesOf(statement)) {
        const statements = policy.Statement.toSpliced(index, 1, ...(changed === undefined ? [] : [changed]))
        const mutated: Policy = { ...policy, Statement: statements }
        const expect = isWider === (statement.Effect === 'Allow') ? 'deny' : 'allow'
        mutants.push({
          policy: name,
          what: `${name} ${statement.Sid}: ${what}`,
          policies: new Map([...policies, [name, mutated]]),
          notice: { actions: action === undefined ? listOf(statement.Action) : [action], expect },
        })
      }
    })
  }
  return mutants
}

interface Change {
  what: string
  changed: Statement | undefined
  action?: string
  /** The statement says more than before. */
  isWider: boolean
}

function* changesOf(statement: Statement): Generator<Change> {
  yield { what: 'removed', changed: undefined, isWider: false }
  const actions = listOf(statement.Action)
  if (actions.length > 1) {
    for (const action of actions) {
      const changed = { ...statement, Action: actions.filter((one) => one !== action) }
      yield { what: `without ${action}`, changed, action, isWider: false }
    }
  }
  const action = furtherAction(statement)
  if (action !== undefined)
    yield { what: `with ${action}`, changed: { ...statement, Action: [...actions, action] }, action, isWider: true }

  const resources = listOf(statement.Resource ?? [])
  if (resources.length > 1) {
    for (const resource of resources) {
      const changed = { ...statement, Resource: resources.filter((one) => one !== resource) }
      yield { what: `without ${resource}`, changed, isWider: false }
    }
  }
  // A resource's own policy is about that resource only.
  if (statement.Effect === 'Allow' && statement.Principal === undefined && resources[0] !== '*')
    yield { what: 'of every resource', changed: { ...statement, Resource: '*' }, isWider: true }
  yield* conditionChanges(statement)
}

function* conditionChanges(statement: Statement): Generator<Change> {
  const { Condition, ...rest } = statement
  for (const [operator, keys] of Object.entries(Condition ?? {})) {
    for (const key of Object.keys(keys)) {
      const others = Object.entries(Condition ?? {})
        .map(([name, values]) => [name, name === operator ? without(values, key) : values] as const)
        .filter(([, values]) => Object.keys(values).length > 0)
      const changed = others.length === 0 ? rest : { ...rest, Condition: Object.fromEntries(others) }
      yield { what: `without ${operator} ${key}`, changed, isWider: true }
    }
  }
}

/**
 * What somebody in a hurry would add; a deny that says more takes something away that is needed. An action that has not the
 * statement's condition keys would change nothing.
 */
function furtherAction({ Effect, Action, Resource, Condition = {} }: Statement): string | undefined {
  const [first = ''] = listOf(Action)
  if (first.endsWith('*')) return undefined
  const isAllow = Effect === 'Allow'
  if (first.startsWith('sqs:')) return first === 'sqs:SendMessage' ? 'sqs:ReceiveMessage' : 'sqs:PurgeQueue'
  if (first.startsWith('kms:')) return isAllow ? 'kms:Encrypt' : 'kms:DescribeKey'
  const asked = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).filter(([, value]) => operator !== 'Null' || value === 'false'),
  )
  const ofRequests = asked.map(([key]) => key).filter((key) => key.startsWith('s3:'))
  if (ofRequests.length > 0) return undefined
  const isObject = listOf(Resource ?? 'arn:aws:s3:::b/*').some((resource) => resource.includes('/'))
  if (isAllow) return isObject ? 's3:GetObjectAcl' : 's3:GetBucketPolicy'
  return isObject ? 's3:GetObject' : 's3:ListBucket'
}

export function listOf(value: string | string[]): string[] {
  return typeof value === 'string' ? [value] : value
}

function without(values: Record<string, unknown>, key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => name !== key))
}
