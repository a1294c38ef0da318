import { readProxies } from '../../bucket/s3-proxy.ts'
import { openTlsFiles } from '../../bucket/s3-tls.ts'
import type { DestinationConfig } from '../../config/agent-config.ts'
import { parseStoreUrl } from '../../config/store-url.ts'
import { formatSpan } from '../terminal/units.ts'

/** Time to renew a certificate by hand, over a weekend. */
const soonMs = 7 * 24 * 3_600_000

/** Throws `invalid`, as the agent would at its start, for certificates and proxies that cannot be used; asks nobody. */
export function transportWarnings(
  destinations: readonly DestinationConfig[],
  env: NodeJS.ProcessEnv,
  nowMs: number,
): string[] {
  return destinations.flatMap(({ name, url, ca, cert, key }) => {
    if (parseStoreUrl(url).scheme === 'file') return []
    readProxies(env)
    const { certificate } = openTlsFiles({ caFile: ca, certFile: cert, keyFile: key }, env, () => {}).current()
    if (certificate === undefined) return []
    const { file, validFromMs, validToMs } = certificate
    const renew = 'renew it and its key in place: no restart is needed'
    if (nowMs > validToMs)
      return [`destination ${name}: ${file} ran out ${formatSpan(nowMs - validToMs)} ago: ${renew}`]
    if (nowMs > validToMs - soonMs)
      return [`destination ${name}: ${file} runs out in ${formatSpan(validToMs - nowMs)}: ${renew}`]
    return nowMs < validFromMs
      ? [`destination ${name}: ${file} is not valid yet: set this machine's clock, or wait`]
      : []
  })
}
