import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { LogcaskError, messageOf } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import type { TlsFiles } from '../../server/serve-http.ts'

export interface TlsPaths {
  cert: string
  key: string
  clientCa?: string | undefined
}

/** Renewals are months apart, and announced days before the old one ends. */
const lookEveryMs = 60_000

/** Rejects `invalid` for what cannot be used: a pair that does not fit, or no PEM. */
export async function readTls(paths: TlsPaths): Promise<TlsFiles> {
  try {
    const [cert, key, clientCa] = await Promise.all([
      readFile(paths.cert),
      readFile(paths.key),
      paths.clientCa === undefined ? undefined : readFile(paths.clientCa),
    ])
    createSecureContext({ cert, key, ca: clientCa })
    return { cert, key, clientCa }
  } catch (cause) {
    const files = Object.values(paths).filter((path) => path !== undefined)
    throw new LogcaskError('invalid', `tls: (${files.join(', ')}): ${messageOf(cause)}`, {
      hint: 'check that this user may read them, that the key belongs to the certificate, and that all are PEM',
      cause,
    })
  }
}

/**
 * Calls `renew` with what is in the files whenever that is another. A renewal writes two files, one after the other:
 * until they fit, what was read before stays, and `warn` says so once. Ends when aborted.
 */
export async function keepTls(
  paths: TlsPaths,
  first: TlsFiles,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  on: { renew: (tls: TlsFiles) => void; warn: (error: LogcaskError) => void },
): Promise<void> {
  let known = stampOf(first)
  let complaint: string | undefined
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal).catch(() => {})
    if (signal.aborted) return
    try {
      const tls = await readTls(paths)
      complaint = undefined
      if (stampOf(tls) === known) continue
      on.renew(tls)
      known = stampOf(tls)
    } catch (error) {
      if (!(error instanceof LogcaskError)) throw error
      if (error.message !== complaint) on.warn(error)
      complaint = error.message
    }
  }
}

function stampOf({ cert, key, clientCa }: TlsFiles): string {
  return sha256(Buffer.concat([cert, key, clientCa ?? Buffer.alloc(0)]))
}
