import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** As much of SQS as a compactor asks for, in this process. What is received comes no second time. */
export interface BenchQueue {
  url: string
  send(body: string): void
  /** Long polls, and removals. */
  readonly requests: number
  stop(): Promise<void>
}

interface Asked {
  MaxNumberOfMessages?: number
  WaitTimeSeconds?: number
  Entries?: { Id: string }[]
}

export async function startQueue(): Promise<BenchQueue> {
  const waiting: string[] = []
  let requests = 0
  let isOver = false
  let received = 0

  const answer = async (operation: string, asked: Asked): Promise<object> => {
    if (operation !== 'ReceiveMessage')
      return { Successful: (asked.Entries ?? []).map(({ Id }) => ({ Id })), Failed: [] }
    const endMs = performance.now() + (asked.WaitTimeSeconds ?? 0) * 1000
    while (waiting.length === 0 && performance.now() < endMs && !isOver) await sleep(2)
    const Messages = waiting.splice(0, asked.MaxNumberOfMessages ?? 10).map((Body) => ({
      MessageId: `m-${++received}`,
      ReceiptHandle: `r-${received}`,
      MD5OfBody: createHash('md5').update(Body).digest('hex'),
      Body,
      Attributes: { ApproximateReceiveCount: '1' },
    }))
    return { Messages }
  }
  const server = createServer(async (request, response) => {
    requests++
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? ''
    const body = JSON.stringify(await answer(operation, JSON.parse((await read(request)) || '{}') as Asked))
    response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.0' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/000000000000/bench`,
    send: (body) => void waiting.push(body),
    get requests() {
      return requests
    },
    async stop() {
      isOver = true
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
