import type { Row } from './row.ts'
import { acrossAccounts, acrossAccountsBare, machines } from './rows-across-accounts.ts'
import { keysAndReplicas } from './rows-of-keys.ts'
import { compactors, instances, queue, vaults } from './rows-of-one-account.ts'

export const table: readonly Row[] = [
  ...vaults,
  ...instances,
  ...compactors,
  ...queue,
  ...acrossAccounts,
  ...acrossAccountsBare,
  ...machines,
  ...keysAndReplicas,
]
