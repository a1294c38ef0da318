import { runSimulation } from '@cloud-copilot/iam-simulate'
import type { Policies, Policy } from './policies.ts'

/** Who asks: what AWS says of the credentials, and the policies that they come with. */
export interface Principal {
  /** As in the request: a role's session, a root, a service, or nobody. */
  arn: string
  /** Names of policies; `everything`: an administrator's. */
  policies: readonly string[]
  context: Readonly<Record<string, string>>
}

export interface Place {
  arn: string
  account: string
  /** Name of the resource's policy. */
  policy?: string
}

export interface Request {
  by: Principal
  action: string
  on: Place
  /** Below the place: a key. */
  key?: string | undefined
  context: Readonly<Record<string, string>>
}

const everything: Policy = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'Everything', Effect: 'Allow', Action: '*', Resource: '*' }],
}

/**
 * What AWS would answer, as iam-simulate evaluates the policies. Throws where a request cannot be: an action that there is not, or a
 * condition key that this action never has, which would make a row pass for a reason that is none.
 */
export async function isAllowed(policies: Policies, request: Request): Promise<boolean> {
  const named = (name: string): Policy => {
    const policy = name === 'everything' ? everything : policies.get(name)
    if (policy === undefined) throw new Error(`no policy ${name}`)
    return policy
  }
  const { by, on, key } = request
  const result = await runSimulation(
    {
      request: {
        principal: by.arn === 'anonymous' ? { type: 'Anonymous' } : by.arn,
        action: request.action,
        resource: { resource: key === undefined ? on.arn : `${on.arn}/${key}`, accountId: on.account },
        contextVariables: { ...by.context, ...request.context },
      },
      identityPolicies: by.policies.map((name) => ({ name, policy: named(name) })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(on.policy === undefined ? {} : { resourcePolicy: named(on.policy) }),
    },
    {},
  )
  if (result.resultType !== 'single') {
    throw new Error(
      `${request.action}: ${result.resultType === 'error' ? JSON.stringify(result.errors) : 'several resources'}`,
    )
  }
  const ignored = result.result.ignoredContextKeys ?? []
  if (ignored.length > 0) throw new Error(`${request.action} has no ${ignored.join(', ')}`)
  return result.overallResult === 'Allowed'
}
