/**
 * Loaded before a command (NODE_OPTIONS=--import): writes down whom the process calls, one line of JSON each, to the file
 * that LOGCASK_TEST_CONNECTIONS names. Whatever goes out of Node by TCP, UDP or the resolver goes through one of these.
 */
import dgram from 'node:dgram'
import dns from 'node:dns'
import { appendFileSync } from 'node:fs'
import net from 'node:net'

const file = process.env.LOGCASK_TEST_CONNECTIONS ?? ''

function record(call: Record<string, unknown>): void {
  appendFileSync(file, `${JSON.stringify(call)}\n`)
}

const connect = net.Socket.prototype.connect as (this: net.Socket, ...args: unknown[]) => net.Socket
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  // Either what the caller gave, or the array that net makes of it.
  const [given] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
  const { host, port, path } = (
    typeof given === 'object' && given !== null ? given : { port: given, host: args[1] }
  ) as {
    host?: string
    port?: unknown
    path?: string | null
  }
  record(
    typeof path !== 'string'
      ? { kind: 'tcp', host: host ?? 'localhost', port: Number(port) }
      : { kind: 'socket', path },
  )
  return connect.apply(this, args)
}

const lookup = dns.lookup as (...args: unknown[]) => unknown
Object.assign(dns, {
  lookup: Object.assign((...args: unknown[]) => {
    record({ kind: 'lookup', host: args[0] })
    return lookup(...args)
  }, lookup),
})

const createSocket = dgram.createSocket
dgram.createSocket = ((...args: Parameters<typeof createSocket>) => {
  record({ kind: 'udp' })
  return createSocket(...args)
}) as typeof createSocket
