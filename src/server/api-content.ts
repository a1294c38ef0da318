import { z } from 'zod'
import { type ApiContext, problemAnswer } from './api-context.ts'
import { planContent } from './byte-range.ts'
import type { Content } from './content.ts'
import { problem } from './problem.ts'
import { type Answer, type Asked, type Route, route } from './route.ts'
import { writePiece } from './write-slowly.ts'

const octets = 'application/octet-stream'

export function contentRoute(context: ApiContext): Route {
  return route({
    path: '/api/v1/hosts/{host}/streams/{stream}/content',
    operationId: 'getContent',
    summary: "The stream's bytes, as far as they are there; they only grow",
    query: z.strictObject({}),
    headers: {
      Range: 'One range of bytes; several are answered with the whole',
      'If-Range': 'An ETag: another one means the whole',
      'If-None-Match': 'An ETag: 304 where nothing was appended since',
    },
    responses: {
      200: { description: 'All of it', contentType: octets },
      206: { description: 'The range', contentType: octets },
      304: { description: 'Nothing was appended' },
      410: { description: 'Its first bytes have expired; `hint` says from where it can be read' },
      416: { description: 'It has no such bytes' },
    },
    async answer(asked) {
      const { host = '', stream = '' } = asked.params
      const release = context.load.take('contents')
      if (release === undefined) return problemAnswer(problem(503, 'too many are reading'))
      let content: Content | undefined
      const close = async (): Promise<void> => {
        release()
        await content?.close()
      }
      try {
        content = await context.contents.open(host, stream, context.maxAgeMs)
        const answer =
          content === undefined ? await emptyOrNone(context, asked) : answerFor(context, asked, content, close)
        if (typeof answer.body === 'string') await close()
        return answer
      } catch (error) {
        await close()
        throw error
      }
    },
  })
}

function answerFor({ load }: ApiContext, asked: Asked, content: Content, close: () => Promise<void>): Answer {
  const { headers, isHead, signal, params } = asked
  const { start, end, etag } = content
  const plan = planContent(end, etag, {
    range: textOf(headers.range),
    ifRange: textOf(headers['if-range']),
    ifNoneMatch: textOf(headers['if-none-match']),
  })
  const facts = {
    etag,
    'accept-ranges': 'bytes',
    // Each use asks whether it grew.
    'cache-control': 'private, no-cache',
  }
  if (plan.kind === 'unchanged') return { status: 304, headers: facts, body: '' }
  if (plan.kind === 'unsatisfiable') {
    return problemAnswer(problem(416, `the stream has ${end} bytes`), { ...facts, 'content-range': `bytes */${end}` })
  }
  if (plan.start < start) {
    return problemAnswer(
      problem(410, `the bytes before ${start} have expired`, { hint: `ask for Range: bytes=${start}-` }),
    )
  }
  const answer = {
    status: plan.kind === 'part' ? 206 : 200,
    headers: {
      ...facts,
      'content-type': octets,
      'content-length': plan.end - plan.start,
      // A stream's id has no character that would need to be quoted; the file's name may have any.
      'content-disposition': `attachment; filename="${params.stream}"`,
      ...(plan.kind === 'part' ? { 'content-range': `bytes ${plan.start}-${plan.end - 1}/${end}` } : {}),
    },
  }
  if (isHead) return { ...answer, body: '' }
  return {
    ...answer,
    async body(response) {
      try {
        const pieces = content.read(plan.start, plan.end, () => load.pieceBytes(), signal)
        for await (const piece of pieces) await writePiece(response, piece, signal)
      } finally {
        await close()
      }
    },
  }
}

/** An empty file has a seal and no segment: it is there, and has no bytes. */
async function emptyOrNone(
  context: ApiContext,
  { params: { host = '', stream = '' }, signal }: Asked,
): Promise<Answer> {
  if (!(await context.isSealedAt(host, stream, 0, signal)))
    return problemAnswer(problem(404, 'no such stream, or no bytes of it yet'))
  const headers = { 'content-type': octets, 'content-length': 0, 'accept-ranges': 'bytes', etag: `"${stream}.0"` }
  return { status: 200, headers, body: '' }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}
