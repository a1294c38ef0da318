import { isoTime } from '../base/clock.ts'
import { isCertificateTime, isClientCertificate, isNoTls, isUntrusted, type StoreAnswer } from './answer.ts'
import type { ClientCertificate } from './s3-tls.ts'

/** What lies between here and the store. */
export interface Way {
  /** The store's address, or `AWS`. */
  store: string
  /** The proxy that its requests go through, without credentials. */
  proxy: string | undefined
  /** What we show it. */
  certificate: ClientCertificate | undefined
}

/** What to do where the store was not reached, in the imperative; undefined: the way is not what is wrong. */
export function wayRemedy({ code = '', status, message }: StoreAnswer, way: Way, nowMs: number): string | undefined {
  const { store, proxy } = way
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `write the name that the certificate is for in endpoint:, not ${store}`
  }
  if (isUntrusted(code)) {
    const other = proxy?.startsWith('https:') ? `, or NODE_EXTRA_CA_CERTS to that of the proxy ${proxy}` : ''
    return `set ca: (--ca) to the PEM file of the authority that signed the certificate of ${store}${other}`
  }
  if (isCertificateTime(code)) return `renew the certificate of ${store}, or set this machine's clock`
  if (isClientCertificate(code)) return clientCertificateRemedy(way, nowMs)
  if (isNoTls(code)) return `${store} does not speak TLS there: write http:// in endpoint:, or another port`
  if (proxy !== undefined) {
    const remedy = proxyRemedy(code, status, message ?? '', proxy, store)
    if (remedy !== undefined) return remedy
  }
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens at ${store}: start the store, or correct endpoint:`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${store} has no address: check endpoint: and region:, and the DNS of this machine`
    case 'ECONNRESET':
    case 'EPIPE':
      return `the connection was cut: look at the log of ${store} if this goes on${cutByTls(way, nowMs)}`
  }
  return undefined
}

function clientCertificateRemedy({ store, certificate }: Way, nowMs: number): string {
  if (certificate === undefined) return `set cert: and key: (--cert, --key) to a certificate that ${store} accepts`
  return (
    timeRemedy(certificate, nowMs) ??
    `${store} does not accept ${certificate.file}: set cert: and key: (--cert, --key) to a certificate of an authority that it trusts`
  )
}

/** Files that change are read again by themselves: to renew is all that is left to do. */
function timeRemedy({ file, validFromMs, validToMs }: ClientCertificate, nowMs: number): string | undefined {
  if (nowMs > validToMs) {
    return `our certificate ${file} ran out at ${isoTime(validToMs)}: renew it and its key in place (no restart needed)`
  }
  if (nowMs >= validFromMs) return undefined
  return `our certificate ${file} is not valid before ${isoTime(validFromMs)}: wait, or set this machine's clock`
}

/** Some servers cut the connection where they ought to say what they want. */
function cutByTls({ store, certificate }: Way, nowMs: number): string {
  if (!store.startsWith('https:')) return ''
  if (certificate === undefined) return ' (it may want a client certificate: cert:, key:)'
  return ` (${timeRemedy(certificate, nowMs) ?? `it may not accept ${certificate.file}`})`
}

function proxyRemedy(
  code: string,
  status: number | undefined,
  said: string,
  proxy: string,
  store: string,
): string | undefined {
  const around = `list the host of ${store} in NO_PROXY to go around it`
  if (status === 407 || (code === 'ProxyRefused' && / 407\b/.test(said))) {
    return `the proxy ${proxy} wants a user and a password: HTTPS_PROXY=http://user:password@host:port (HTTP_PROXY for http://)`
  }
  if (code === 'ProxyRefused') return `the proxy ${proxy} refuses to connect to ${store}: allow it there, or ${around}`
  switch (code) {
    case 'ERR_PROXY_TUNNEL':
      return `the proxy ${proxy} does not reach ${store}: look at its log, or ${around}`
    case 'ECONNREFUSED':
      return `nothing listens at the proxy ${proxy}: correct HTTPS_PROXY or HTTP_PROXY, or ${around}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the proxy ${proxy} has no address: correct HTTPS_PROXY or HTTP_PROXY, or ${around}`
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `check the network to the proxy ${proxy}, and from there to ${store}`
    case 'ECONNRESET':
    case 'EPIPE':
      return `the connection was cut: look at the log of the proxy ${proxy}, and of ${store}, if this goes on`
    case '':
      return status === 403
        ? `the proxy ${proxy} or ${store} refuses: look at the proxy's log, or ${around}`
        : undefined
  }
  return undefined
}
