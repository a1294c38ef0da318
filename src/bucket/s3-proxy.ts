import { isIPv4 } from 'node:net'
import { LogcaskError } from '../base/errors.ts'

/** The proxies of an environment, as Node's agents take them. */
export interface Proxies {
  /** Of the form that `proxyEnv` has. */
  env: { http_proxy?: string; https_proxy?: string; no_proxy?: string }
  /** The proxy that requests to this URL go through, without its credentials; undefined: none. */
  proxyFor(url: string): string | undefined
}

/**
 * HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in lower case first, as curl reads them: a proxy without a scheme is an http one,
 * a name in NO_PROXY stands for what is below it as well, and addresses may be given as 10.0.0.0/8. Node takes names
 * literally and knows no such networks. Throws `invalid` for a proxy that Node would pass by in silence.
 */
export function readProxies(env: NodeJS.ProcessEnv): Proxies {
  const exceptions = (env.no_proxy || env.NO_PROXY || '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .flatMap(expand)
  const https = exceptions.includes('*') ? undefined : readProxy(env, 'HTTPS_PROXY')
  const http = exceptions.includes('*') ? undefined : readProxy(env, 'HTTP_PROXY')
  return {
    env: {
      ...(http && { http_proxy: http.href }),
      ...(https && { https_proxy: https.href }),
      ...(exceptions.length > 0 && { no_proxy: exceptions.join(',') }),
    },
    proxyFor(text) {
      const url = new URL(text)
      const proxy = url.protocol === 'https:' ? https : http
      if (proxy === undefined || isException(url, exceptions)) return undefined
      return `${proxy.protocol}//${proxy.host}`
    },
  }
}

function readProxy(env: NodeJS.ProcessEnv, name: string): URL | undefined {
  const text = env[name.toLowerCase()] || env[name]
  if (!text) return undefined
  const full = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '' && isDecodable(url)) return url
  // Without what stands before an @: it is a credential.
  throw new LogcaskError('invalid', `${name}: ${full.replace(/\/\/.*@/s, '//…@')} is no http:// or https:// proxy`, {
    hint: `write ${name}=http://user:password@host:port (other characters than letters and digits as %40), or list the store in NO_PROXY`,
  })
}

function isDecodable({ username, password }: URL): boolean {
  try {
    return !/[\r\n]/.test(decodeURIComponent(username + password))
  } catch {
    return false
  }
}

/** An entry of NO_PROXY as Node understands it. */
function expand(entry: string): string[] {
  const [address = '', bits] = entry.split('/')
  if (bits !== undefined) return isIPv4(address) && /^\d+$/.test(bits) ? [networkRange(address, Number(bits))] : []
  const isName = /^[a-z0-9]/.test(entry) && !entry.includes(':') && !/^[\d.-]+$/.test(entry)
  return isName ? [entry, `.${entry}`] : [entry]
}

/** `10.0.0.0-10.255.255.255`. */
function networkRange(address: string, bits: number): string {
  const size = 2 ** (32 - Math.min(32, bits))
  const first = Math.floor(numberOf(address) / size) * size
  return `${addressOf(first)}-${addressOf(first + size - 1)}`
}

function isException(url: URL, exceptions: readonly string[]): boolean {
  const host = url.hostname.toLowerCase()
  const withPort = `${host}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
  return exceptions.some((entry) => {
    if (entry === host || entry === withPort) return true
    if (entry.startsWith('.')) return host.endsWith(entry) || host === entry.slice(1)
    if (entry.startsWith('*.')) return host.endsWith(entry.slice(1))
    const [first = '', last = ''] = entry.split('-')
    if (!isIPv4(host) || !isIPv4(first) || !isIPv4(last)) return false
    return numberOf(host) >= numberOf(first) && numberOf(host) <= numberOf(last)
  })
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')
}
