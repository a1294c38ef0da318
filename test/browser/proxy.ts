import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A proxy as in front of many: it has the server below a path, and answers itself where that is away. */
export async function openProxy(target: () => string, path: string): Promise<string> {
  const server = createServer((asked, answer) => {
    const { pathname, search } = new URL(asked.url ?? '/', 'http://proxy')
    if (!pathname.startsWith(path)) return void answer.writeHead(404).end()
    const url = new URL(`${pathname.slice(path.length - 1)}${search}`, target())
    const forwarded = request(url, { headers: { ...asked.headers, host: url.host }, agent: false }, (got) => {
      answer.writeHead(got.statusCode ?? 500, got.headers)
      got.pipe(answer)
    })
    forwarded.on('error', () => {
      if (answer.headersSent) answer.destroy()
      else answer.writeHead(502, { 'content-type': 'text/html' }).end('<h1>502 Bad Gateway</h1>')
    })
    answer.on('close', () => forwarded.destroy())
    forwarded.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
}
