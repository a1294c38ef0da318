import type { ServerResponse } from 'node:http'

/** Resolves when the client took what was written before; rejects when it went away. Memory holds one piece per client. */
export function writePiece(response: ServerResponse, piece: Uint8Array | string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (response.write(piece)) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      response.removeListener('drain', onDrain)
      response.removeListener('close', onClose)
      signal.removeEventListener('abort', onClose)
      finish()
    }
    const onDrain = (): void => settle(resolve)
    const onClose = (): void => settle(() => reject(signal.reason ?? new Error('the client went away')))
    response.once('drain', onDrain)
    response.once('close', onClose)
    signal.addEventListener('abort', onClose, { once: true })
  })
}
