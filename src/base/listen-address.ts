import { isIPv4, isIPv6 } from 'node:net'
import { LogcaskError } from './errors.ts'

/** Where a server listens: on this machine only, by TCP or by a unix socket. */
export type ListenAddress = { kind: 'tcp'; host: string; port: number } | { kind: 'unix'; path: string }

/** What the kernel's sockaddr_un takes, with the zero at its end. */
const socketPathBytesMax = 107

/**
 * `127.0.0.1:9464`, `[::1]:9464`, `localhost:9464` or `unix:/run/logcask/metrics.sock`. Throws `invalid`, with the
 * remedy, for anything else, and for every address that others could reach.
 */
export function parseListenAddress(text: string): ListenAddress {
  const address = parseAnyListenAddress(text)
  if (isLocal(address)) return address
  const { host, port } = address as { host: string; port: number }
  throw invalid(
    text,
    `${host === '' ? 'every address of this machine' : host} can be reached from elsewhere`,
    `listen on 127.0.0.1:${port}, and let a proxy with TLS or a collector on this machine read it there`,
  )
}

/** The same, also where others could reach it: for those who ask everybody who they are. An empty host is every address. */
export function parseAnyListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) return parseSocketPath(text, text.slice('unix:'.length))
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/]*)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || !(port >= 0 && port <= 65_535))
    throw invalid(text, 'is no address', 'write it as 127.0.0.1:9464 or unix:/run/logcask/metrics.sock')
  return { kind: 'tcp', host, port }
}

/** Whether only this machine reaches it. */
export function isLocal(address: ListenAddress): boolean {
  return address.kind === 'unix' || isLoopback(address.host)
}

/** As it is written: `parseListenAddress` reads it back. */
export function listenAddressText(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`
}

/** Whether what is sent there stays on this machine. An IPv6 address has no brackets. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  return isIPv4(host) ? host.startsWith('127.') : host === '::1'
}

/** Whether a request's Host header names this machine: a page from elsewhere whose name points here does not (DNS rebinding). */
export function isLoopbackName(header: string): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/]+))(?::\d{1,5})?$/.exec(header)
  return isLoopback((match?.[1] ?? match?.[2] ?? '').toLowerCase())
}

function parseSocketPath(text: string, path: string): ListenAddress {
  if (!/^\/[^\0]*[^/\0]$/.test(path))
    throw invalid(text, 'names no absolute path', 'write it as unix:/run/logcask/metrics.sock')
  if (Buffer.byteLength(path) > socketPathBytesMax)
    throw invalid(text, `is longer than the ${socketPathBytesMax} bytes of a socket's path`, 'choose a shorter one')
  return { kind: 'unix', path }
}

function invalid(text: string, problem: string, hint: string): LogcaskError {
  return new LogcaskError('invalid', `${text}: ${problem}`, { hint })
}
