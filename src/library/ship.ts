import { systemClock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { hopeless, onHopeless } from '../cli/compose/hopeless.ts'
import { isSettledAt, livesOf, standingProblems, unfinishedOf } from '../cli/ship/run-outcome.ts'
import { receiptLines } from '../cli/ship/run-report.ts'
import { resolvePaths } from '../cli/ship/ship-paths.ts'
import type {
  DeliveryStatus,
  DestinationOutcome,
  Problem,
  ShipOptions,
  ShipOutcome,
  ShippedFile,
} from './delivery-contract.ts'
import { checkedLabels, composeDelivery, type Delivering } from './delivery-settings.ts'

/** It ends, and its price is known before: no append waits. */
const atOnce = { burst: 1_000_000, everyMs: 1 }

export async function shipFiles(paths: string | readonly string[], options: ShipOptions): Promise<ShipOutcome> {
  const given = typeof paths === 'string' ? [paths] : paths
  if (given.length === 0) throw new LogcaskError('invalid', 'no file is named', { hint: "ship(['/var/log'], …)" })
  const source = {
    name: 'ship',
    ...(await resolvePaths(given)),
    exclude: options.exclude ?? [],
    followSymlinks: false,
    sealAfterMs: 0,
    copies: 'new-stream' as const,
    labels: checkedLabels(options.labels),
  }
  const delivering = await composeDelivery(options, atOnce, { sources: [source], isOneShot: true, scanIntervalMs: 0 })
  try {
    const reason = await runToEnd(delivering, options)
    return outcomeOf(delivering, reason)
  } finally {
    await delivering.close()
  }
}

/** Resolves with why it ended: all is delivered, the time is up, or nobody is left who could take more. */
async function runToEnd({ composed, failed }: Delivering, { signal, timeoutMs }: ShipOptions): Promise<unknown> {
  const { agent } = composed
  const stop = new AbortController()
  const late = new Error('timeout')
  const cancelTimeout = timeoutMs === undefined ? () => {} : systemClock.timer(timeoutMs, () => stop.abort(late))
  const cancelWatch = onHopeless(agent, systemClock, () => stop.abort(hopeless))
  try {
    await composed.run(AbortSignal.any([stop.signal, failed, ...(signal ? [signal] : [])]))
  } finally {
    cancelTimeout()
    cancelWatch()
  }
  signal?.throwIfAborted()
  failed.throwIfAborted()
  return stop.signal.reason
}

function outcomeOf({ composed, destinations, host, lossy, report }: Delivering, reason: unknown): ShipOutcome {
  const { agent } = composed
  const unfinished = new Map(unfinishedOf(composed).map((one) => [one.name, one]))
  const standing = standingProblems(composed, report.problems)
  const problems = standing.map(([place, { message, hint }]): Problem => ({ place, message, hint }))
  const lateOr = (isDown: boolean): 'late' | 'failed' => (isDown || reason === hopeless ? 'failed' : 'late')
  const ends = destinations.map(({ name, url }): DestinationOutcome => {
    const left = unfinished.get(name)
    if (left === undefined) return { name, url, status: 'delivered', missing: { files: 0, bytes: 0 } }
    const { files, bytes, isDown, message: problem, hint } = left
    return { name, url, status: lateOr(isDown), missing: { files, bytes }, problem, hint }
  })
  const receipts = Map.groupBy(receiptLines(agent), ({ path }) => path)
  const files = livesOf(agent).map((life): ShippedFile => {
    const missing = [...life.deliveries.keys()].filter((name) => !isSettledAt(life, name))
    const isFailed = missing.some((name) => ends.find((one) => one.name === name)?.status === 'failed')
    const isStuck = standing.some(([, problem]) => problem.life === life)
    return {
      path: life.path,
      length: life.limit ?? life.size,
      status: isFailed || isStuck ? 'failed' : missing.length > 0 ? 'late' : lossy.has(life) ? 'lossy' : 'delivered',
      receipts: (receipts.get(life.path) ?? []).map(({ path: _, ...receipt }) => receipt),
      missing,
    }
  })
  const statuses: DeliveryStatus[] = [...ends, ...files].map(({ status }) => status)
  if (problems.length > 0) statuses.push('failed')
  if (report.forks + report.losses > 0) statuses.push('lossy')
  return { status: worst(statuses), host, files, destinations: ends, problems }
}

const order: readonly DeliveryStatus[] = ['delivered', 'lossy', 'late', 'failed']

function worst(statuses: readonly DeliveryStatus[]): DeliveryStatus {
  return order[Math.max(0, ...statuses.map((status) => order.indexOf(status)))] ?? 'delivered'
}
