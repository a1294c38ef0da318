import type { Policy, Statement } from '../policy/policies.ts'

/**
 * The planned policy of a vault, in what a server of its own kind understands. What it does not know is left out, and listed: nothing that
 * is left out counts as tried.
 */
export interface Dialect {
  /** Who a statement is about. */
  principalOf(user: string): unknown
  knowsAction(action: string): boolean
  knowsCondition(key: string): boolean
}

export interface Adapted {
  policy: Policy
  /** Statements, and actions of statements, that the server cannot say. */
  leftOut: string[]
}

/** `users`: who stands for the policy's roles, by the beginning of the statements' names; for agents with their host. */
export function adapt(
  policy: Policy,
  bucket: { planned: string; actual: string },
  users: { agents: { user: string; host: string }[]; reader: string },
  dialect: Dialect,
): Adapted {
  const leftOut: string[] = []
  const statements = policy.Statement.flatMap((statement): Statement[] => {
    const actions = listOf(statement.Action).filter((action) => dialect.knowsAction(action))
    const lost = listOf(statement.Action).filter((action) => !dialect.knowsAction(action))
    leftOut.push(...lost.map((action) => `${statement.Sid}: ${action}`))
    const condition = conditionOf(statement, dialect)
    if (actions.length === 0 || condition === undefined) {
      leftOut.push(statement.Sid)
      return []
    }
    const { Condition: _, ...rest } = statement
    const whole = { ...rest, Action: actions, ...(Object.keys(condition).length > 0 ? { Condition: condition } : {}) }
    if (statement.Effect === 'Deny') return [whole]
    if (!statement.Sid.startsWith('Agent')) return [{ ...whole, Principal: dialect.principalOf(users.reader) }]
    return users.agents.map(({ user, host }) => ({
      ...(JSON.parse(JSON.stringify(whole).replaceAll(/\$\{aws:userid\}/g, host)) as Statement),
      Sid: `${statement.Sid}${user}`,
      Principal: dialect.principalOf(user),
    }))
  })
  const text = JSON.stringify({ Version: policy.Version, Statement: statements })
  return { policy: JSON.parse(text.replaceAll(`:::${bucket.planned}`, `:::${bucket.actual}`)) as Policy, leftOut }
}

/** What is left of the conditions; undefined: without what the server does not know, the statement would say something else. */
function conditionOf({ Effect, Condition = {} }: Statement, dialect: Dialect): Statement['Condition'] | undefined {
  const kept: NonNullable<Statement['Condition']> = {}
  for (const [operator, keys] of Object.entries(Condition)) {
    for (const [key, value] of Object.entries(keys)) {
      // Who it is, says the principal here.
      if (key === 'aws:PrincipalArn' && Effect === 'Allow') continue
      // Nobody here is a service of AWS.
      if (key === 'aws:PrincipalIsAWSService') continue
      // An allow without it is wider; it is the deny that makes a bucket create-only, and that has to say so by itself.
      if (key === 's3:if-none-match' && Effect === 'Allow') continue
      if (!dialect.knowsCondition(key)) return undefined
      kept[operator] = { ...kept[operator], [key]: value }
    }
  }
  return kept
}

function listOf(value: string | string[]): string[] {
  return typeof value === 'string' ? [value] : value
}
