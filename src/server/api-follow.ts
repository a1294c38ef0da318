import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { offsetMax } from '../format/limits.ts'
import { type ApiContext, problemAnswer } from './api-context.ts'
import { problem } from './problem.ts'
import { type Asked, type Route, route } from './route.ts'
import { writePiece } from './write-slowly.ts'

/** Looks while bytes come, and while none do. Followers of one stream share a look at the bucket. */
const lookMinMs = 1_000
const lookMaxMs = 10_000
/** Quiet looks between two questions whether the stream is sealed by now. */
const looksPerSealCheck = 5
/** A comment, so that a client that is gone is noticed and proxies keep the connection. */
const signOfLifeMs = 15_000
const tailMax = 1024 * 1024
/** An event is text three times as long as its bytes at worst, and is built in memory. */
const eventBytesMax = 48 * 1024

const query = z.strictObject({
  from: z.coerce.number().int().min(0).max(offsetMax).optional().describe('The first byte to send; default: the end'),
  tail: z.coerce.number().int().min(0).max(tailMax).optional().describe('Begin so many bytes before the end'),
})

export function followRoute(context: ApiContext): Route {
  return route({
    path: '/api/v1/hosts/{host}/streams/{stream}/follow',
    operationId: 'followStream',
    summary:
      'Server-sent events: `data: {"start","end","base64"}` for bytes [start, end), with `id: <end>`, from which Last-Event-ID goes on; `event: sealed` when the stream is complete, then the end',
    query,
    headers: { 'Last-Event-ID': 'A byte offset: goes on there, whatever the query says' },
    responses: {
      200: { description: 'Bytes as they come', contentType: 'text/event-stream' },
      204: { description: 'The stream is sealed and has no byte beyond Last-Event-ID: do not ask again' },
    },
    async answer(asked) {
      const { params, headers, isHead } = asked
      const { host = '', stream = '' } = params
      const last = headers['last-event-id']
      if (last !== undefined && !/^\d{1,16}$/.test(String(last)))
        return problemAnswer(problem(400, 'Last-Event-ID is no offset'))
      const now = await boundsOf(context, host, stream)
      if (now === undefined && !(await context.isThere(host, stream, asked.signal)))
        return problemAnswer(problem(404, 'no such stream'))
      const { start = 0, end = 0 } = now ?? {}
      const { from, tail } = asked.query
      const wanted = last !== undefined ? Number(last) : (from ?? end - (tail ?? 0))
      const at = Math.max(start, wanted)
      if (last !== undefined && at >= end && (await context.isSealedAt(host, stream, end, asked.signal)))
        return { status: 204, body: '' }
      const answer = {
        status: 200,
        headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
      }
      if (isHead) return { ...answer, body: '' }
      const release = context.load.take('follows')
      if (release === undefined) return problemAnswer(problem(503, 'too many are following'))
      return {
        ...answer,
        async body(response) {
          try {
            await follow(context, asked, at, response)
          } finally {
            release()
          }
        },
      }
    },
  })
}

async function boundsOf(
  context: ApiContext,
  host: string,
  stream: string,
): Promise<{ start: number; end: number } | undefined> {
  const content = await context.contents.open(host, stream, context.maxAgeMs)
  await content?.close()
  return content
}

/** Until the stream is sealed, the client goes, or the server stops. */
async function follow(
  context: ApiContext,
  { params, signal }: Asked,
  from: number,
  response: ServerResponse,
): Promise<void> {
  const { host = '', stream = '' } = params
  const { clock } = context
  let at = from
  let quiet = 0
  let waitMs = lookMinMs
  let wroteAtMs = clock.monotonic()
  const write = async (text: string): Promise<void> => {
    await writePiece(response, text, signal)
    wroteAtMs = clock.monotonic()
  }
  await write('retry: 3000\n\n')
  for (;;) {
    const before = at
    const end = await sendNew(context, host, stream, at, signal, async (bytes) => {
      const data = { start: at, end: at + bytes.byteLength, base64: Buffer.from(bytes).toString('base64') }
      at = data.end
      await write(`id: ${at}\ndata: ${JSON.stringify(data)}\n\n`)
    })
    quiet = at === before ? quiet + 1 : 0
    if (quiet % looksPerSealCheck === 1 && at === end && (await context.isSealedAt(host, stream, at, signal))) {
      await write(`id: ${at}\nevent: sealed\ndata: {"end":${at}}\n\n`)
      return
    }
    if (clock.monotonic() - wroteAtMs >= signOfLifeMs) await write(': still here\n\n')
    waitMs = quiet === 0 ? lookMinMs : Math.min(lookMaxMs, waitMs * 1.3)
    await clock.sleep(waitMs, signal)
  }
}

/** What came beyond `at`; answers where the stream ends now. */
async function sendNew(
  { contents, load }: ApiContext,
  host: string,
  stream: string,
  at: number,
  signal: AbortSignal,
  send: (bytes: Uint8Array) => Promise<void>,
): Promise<number> {
  const content = await contents.open(host, stream, lookMinMs)
  if (content === undefined) return 0
  try {
    const pieceBytes = (): number => Math.min(eventBytesMax, load.pieceBytes())
    for await (const piece of content.read(at, content.end, pieceBytes, signal)) await send(piece)
    return content.end
  } finally {
    await content.close()
  }
}
