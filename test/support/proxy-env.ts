import { onTestFinished, vi } from 'vitest'

const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY']

/** Of the variables for proxies only these, until the test ends. */
export function stubProxyEnv(variables: Readonly<Record<string, string>>): void {
  for (const name of names.flatMap((name) => [name, name.toLowerCase()])) vi.stubEnv(name, undefined)
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
}
