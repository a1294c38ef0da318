import { cast, places } from './cast.ts'
import { isAllowed, type Place, type Principal } from './engine.ts'
import type { Policies } from './policies.ts'
import { type Row, ways } from './row.ts'

/** Whether the policies do with a request what the table says. */
export async function holds(policies: Policies, row: Row): Promise<boolean> {
  const way = ways[row.does]
  const action = way === undefined ? row.does : 's3:PutObject'
  const tls: Record<string, string> = action.startsWith('s3:') ? { 's3:TlsVersion': '1.3' } : {}
  const by: Principal = cast[row.who]
  const on: Place = places[row.where]
  const allowed = await isAllowed(policies, {
    by,
    action,
    on,
    key: row.key,
    context: {
      'aws:SecureTransport': 'true',
      'aws:PrincipalIsAWSService': 'false',
      ...tls,
      ...by.context,
      ...way,
      ...row.with,
    },
  })
  return allowed === (row.expect === 'allow')
}

export function describe(row: Row): string {
  const more = Object.entries(row.with ?? {}).map(([key, value]) => ` ${key}=${value}`)
  return `${row.expect}: ${row.who} ${row.does} in ${row.where}${row.key === undefined ? '' : `/${row.key}`}${more.join('')}`
}

/** The policies that a row can depend on. */
export function policiesOf(row: Row): string[] {
  const by: Principal = cast[row.who]
  const on: Place = places[row.where]
  return [...by.policies, ...(on.policy === undefined ? [] : [on.policy])]
}
