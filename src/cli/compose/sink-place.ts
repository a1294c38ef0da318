import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Pace } from '../../compactor/listing-plan.ts'
import { usageError } from '../command.ts'

/** How long a look takes is what latency and the bill depend on: seconds where requests cost, less where they do not. */
export function paceFor(scheme: 'file' | 's3', intervalMs: number | undefined): Pace {
  const intervalMinMs = intervalMs ?? (scheme === 'file' ? 500 : 5_000)
  return {
    intervalMinMs,
    intervalMaxMs: Math.max(intervalMinMs, scheme === 'file' ? 4_000 : 60_000),
    fullIntervalMs: 3_600_000,
  }
}

/** A path, or a file:// URL. */
export function sinkDirectory(to: string): string {
  if (/^s3:/i.test(to)) {
    throw usageError(`--to ${to}: is no directory`, `write complete files there with --archive ${to}`)
  }
  if (/^file:\/\/\//i.test(to)) return resolve(fileURLToPath(to))
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(to)) throw usageError(`--to ${to}: is no directory`, 'name one: --to /srv/logs')
  return resolve(to)
}
