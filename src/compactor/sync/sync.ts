import { isCode, type LogcaskError } from '../../base/errors.ts'
import { listHosts } from '../../bucket/stream-inventory.ts'
import type { SyncContext } from './create-in-target.ts'
import { type SyncedStream, syncHost } from './sync-host.ts'

export interface SyncOptions extends SyncContext {
  isWanted: (host: string) => boolean
  onStream: (synced: SyncedStream) => void
  /** What stood in the way of a whole host. */
  onProblem: (host: string, problem: LogcaskError) => void
  onStray?: ((key: string) => void) | undefined
}

/**
 * One pass: copies what one bucket has and another lacks. Killed at any time it leaves nothing half done, and the next pass
 * goes on; any number of them at once do no harm. Rejects where the hosts cannot be listed, or where nothing may be
 * written to the target.
 */
export async function syncOnce(options: SyncOptions): Promise<{ hosts: number; digests: number }> {
  const { source, signal, onProblem, onStray } = options
  const sum = { hosts: 0, digests: 0 }
  const hosts = await listHosts(source, { signal, onStray })
  for (const host of hosts.filter(options.isWanted)) {
    sum.hosts++
    try {
      sum.digests += (await syncHost(options, host, options.onStream, onStray)).digests
    } catch (error) {
      signal.throwIfAborted()
      if (!isCode(error, 'unavailable', 'refused', 'corrupt')) throw error
      onProblem(host, error)
    }
  }
  return sum
}
