import { z } from 'zod'
import { type ApiContext, problemAnswer } from './api-context.ts'
import { problem, problemOf } from './problem.ts'
import { jsonText, type Route, route } from './route.ts'
import { writePiece } from './write-slowly.ts'

/** What was found out about a stream. */
export interface Verification {
  verdict: 'fine' | 'gaps' | 'unread' | 'differs'
  /** What is wrong, in sentences; empty where nothing is. */
  reasons: readonly string[]
  /** As `logcask verify --json` tells it. */
  facts: Readonly<Record<string, unknown>>
}

/** Holds a stream against its seals, and against what is published of it. Undefined where there is no such stream. */
export type VerifyStream = (
  host: string,
  stream: string,
  options: { isQuick: boolean; signal: AbortSignal; onBytes: (bytes: number) => void },
) => Promise<Verification | undefined>

/** How often the client hears how far it is; it also keeps the connection. */
const progressMs = 1_000

export function verifyRoute({ load, clock, isThere }: ApiContext, verify: VerifyStream): Route {
  return route({
    path: '/api/v1/hosts/{host}/streams/{stream}/verify',
    operationId: 'verifyStream',
    summary:
      'Server-sent events: `event: progress` with `{"bytes"}` read so far, then `event: result` with `{"verdict","reasons","facts"}`, or `event: problem`',
    query: z.strictObject({
      quick: z.enum(['true', 'false']).default('false').describe('Lengths only, told from the names; no byte is read'),
    }),
    responses: { 200: { description: 'Progress, then the result', contentType: 'text/event-stream' } },
    async answer({ params: { host = '', stream = '' }, query, isHead, signal }) {
      if (!(await isThere(host, stream, signal))) return problemAnswer(problem(404, 'no such stream'))
      const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' }
      if (isHead) return { status: 200, headers, body: '' }
      const release = load.take('verifies')
      if (release === undefined) return problemAnswer(problem(503, 'others are verifying: try again'))
      return {
        status: 200,
        headers,
        async body(response) {
          const done = new AbortController()
          const over = AbortSignal.any([signal, done.signal])
          const send = (event: string, data: unknown): Promise<void> =>
            writePiece(response, `event: ${event}\ndata: ${jsonText(data)}\n`, signal)
          let bytes = 0
          const telling = (async () => {
            while (!over.aborted) {
              await send('progress', { bytes })
              await clock.sleep(progressMs, over)
            }
          })().catch(() => {})
          let last: [event: string, data: unknown]
          try {
            const onBytes = (more: number): void => {
              bytes += more
            }
            const found = await verify(host, stream, { isQuick: query.quick === 'true', signal, onBytes })
            last = found === undefined ? ['problem', problem(404, 'no such stream')] : ['result', found]
          } catch (error) {
            signal.throwIfAborted()
            last = ['problem', problemOf(error)]
          } finally {
            done.abort()
            await telling
            release()
          }
          await send(...last)
        },
      }
    },
  })
}
