import { hash } from 'node:crypto'

/** SHA-256 in lower-case hex. One call, no stream object: half the cost of `createHash` for short input. */
export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}
