import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface ConnectProxyOptions {
  /** `user:password` that it asks for. */
  credentials?: string
  /** Answers this to everything. */
  refuses?: number
  /** Takes connections, and never says a word. */
  isMute?: boolean
  /** It is asked by TLS itself. */
  tls?: TlsOptions
}

/** A proxy on loopback, as companies have them: tunnels for https, requests passed on for http. */
export interface ConnectProxy {
  port: number
  /** `CONNECT host:port`, or `PUT http://…`: in the order of their arrival. */
  readonly asked: string[]
  close(): Promise<void>
}

export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const asked: string[] = []
  const sockets = new Set<Duplex>()
  const problemOf = (request: IncomingMessage): [number, string] | undefined => {
    const { credentials, refuses } = options
    if (refuses !== undefined) return [refuses, refuses === 403 ? 'Forbidden' : 'Bad Gateway']
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`
    if (wanted === undefined || request.headers['proxy-authorization'] === wanted) return undefined
    return [407, 'Proxy Authentication Required']
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push(`${request.method} ${request.url}`)
    const problem = problemOf(request)
    if (problem) {
      request.resume()
      response.writeHead(problem[0], { 'content-type': 'text/html' })
      return void response.end(`<html><head><title>${problem[1]} by the proxy</title></head><br></html>`)
    }
    const { 'proxy-authorization': _ours, 'proxy-connection': _hop, ...headers } = request.headers
    const onward = httpRequest(request.url ?? '', { method: request.method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  }
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    asked.push(`CONNECT ${request.url}`)
    client.on('error', () => {})
    if (options.isMute) return
    const problem = problemOf(request)
    if (problem) return void client.end(`HTTP/1.1 ${problem.join(' ')}\r\n\r\n`)
    const [host = '', port = ''] = (request.url ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.write(head)
      onward.pipe(client).pipe(onward)
    })
    sockets.add(onward)
    onward.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
