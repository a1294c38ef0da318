import type { ServerResponse } from 'node:http'
import type { FaultKind } from './fault-plan.ts'

const replies: Partial<Record<FaultKind, { status: number; code: string }>> = {
  throttled: { status: 503, code: 'SlowDown' },
  'error-after': { status: 500, code: 'InternalError' },
}

export function hasFaultReply(fault: FaultKind): boolean {
  return replies[fault] !== undefined
}

/** As S3 writes an error. */
export function writeFaultReply(response: ServerResponse, method: string, fault: FaultKind): void {
  const { status, code } = replies[fault] ?? { status: 500, code: 'InternalError' }
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>torture: ${fault}</Message></Error>`
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': String(Buffer.byteLength(body)) })
  response.end(method === 'HEAD' ? undefined : body)
}
