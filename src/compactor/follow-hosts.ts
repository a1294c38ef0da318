import type { Clock } from '../base/clock.ts'
import { backoffMs } from '../base/retry.ts'
import type { Bucket } from '../bucket/bucket.ts'
import { listHosts } from '../bucket/stream-inventory.ts'
import type { Once, OnEvent } from './event.ts'
import type { HostLook } from './events/hint.ts'
import { backoffFor, reportProblem } from './host-round.ts'
import { nextInterval, type Pace } from './listing-plan.ts'

export interface FollowContext {
  bucket: Bucket
  clock: Clock
  pace: Pace
  onEvent: OnEvent
  once: Once
  signal: AbortSignal
}

/**
 * Looks at every host again and again, sooner where something came, later after a failure, and at those that come, until
 * aborted: then it resolves. `follow` makes what is called for each look at a host; that says whether something came.
 */
export async function followHosts(context: FollowContext, follow: (host: string) => HostLook): Promise<void> {
  const { bucket, signal } = context
  const followed = new Map<string, Promise<void>>()
  await repeat(context, 'hosts', {}, async () => {
    const known = followed.size
    for (const host of await listHosts(bucket, { signal })) {
      if (!followed.has(host)) {
        const look = follow(host)
        followed.set(
          host,
          repeat(context, host, { host }, async () => (await look()).hasGrown),
        )
      }
    }
    return followed.size > known
  })
  await Promise.all(followed.values())
}

/** Never rejects. */
async function repeat(
  context: FollowContext,
  what: string,
  where: { host?: string },
  look: () => Promise<boolean>,
): Promise<void> {
  const { clock, pace, signal } = context
  let waitMs = 0
  let grewAtMs = clock.monotonic()
  for (let failures = 0; !signal.aborted; ) {
    try {
      const hasGrown = await look()
      if (hasGrown) grewAtMs = clock.monotonic()
      waitMs = nextInterval(waitMs, hasGrown, pace, clock.monotonic() - grewAtMs)
      failures = 0
      context.once.forget(`problem ${what}`)
    } catch (error) {
      if (signal.aborted) return
      reportProblem(context, what, where, error)
      waitMs = Math.max(pace.intervalMinMs, backoffMs(backoffFor(error), failures++, clock))
    }
    await clock.sleep(waitMs, signal).catch(() => {})
  }
}
