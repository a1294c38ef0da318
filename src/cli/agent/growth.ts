/** An amount that was looked at now and then; pure data. */
export interface AmountSample {
  atMs: number
  amount: number
}

/** Rates are those of the last hour: a night's batch does not count in the morning. */
const windowMs = 3_600_000
/** Over less, a burst would look like a rate. */
const leastMs = 5 * 60_000
/** An hour of looks, one a minute. */
const samplesMax = 62

/** With the new sample, at most one a minute, and none that is older than the window. */
export function addSample(samples: readonly AmountSample[], sample: AmountSample): readonly AmountSample[] {
  const last = samples.at(-1)
  if (last !== undefined && sample.atMs - last.atMs < windowMs / 60) return samples
  return [...samples.filter(({ atMs }) => sample.atMs - atMs <= windowMs), sample].slice(-samplesMax)
}

/** How much more it is per second than at the oldest sample; undefined where that is not yet known. Negative where it shrinks. */
export function growthPerSecond(samples: readonly AmountSample[], now: AmountSample): number | undefined {
  const [oldest] = samples
  if (oldest === undefined || now.atMs - oldest.atMs < leastMs) return undefined
  return (now.amount - oldest.amount) / ((now.atMs - oldest.atMs) / 1000)
}
