import { errorXml } from './fault-s3-xml.ts'

/** What goes back over the wire, unless a fault comes between. */
export interface Reply {
  status: number
  headers?: Record<string, string>
  body?: Buffer | string
}

/** A reply that says no. */
export type Problem = Reply & { code: string }

export function problem(status: number, code: string, message = code, more: Record<string, string> = {}): Problem {
  return { status, code, headers: { 'content-type': 'application/xml' }, body: errorXml(code, message, more) }
}
