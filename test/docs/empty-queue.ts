import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** An SQS queue on loopback in which nothing ever is. */
export async function emptyQueue(): Promise<{ url: string; receives(): number }> {
  let receives = 0
  const server = createServer((request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1)
    if (operation === 'ReceiveMessage') receives++
    const body = operation === 'GetQueueUrl' ? { QueueUrl: url() } : {}
    request.resume().on('end', () => {
      response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/123456789012/logs`
  return { url: url(), receives: () => receives }
}
