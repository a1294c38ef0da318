import type { TokenRate } from '../../agent/shipping/token-bucket.ts'
import { noUsage, requestCount, requestDollars, type Usage } from '../../bucket/metered.ts'
import type { Budget } from '../../config/agent-config.ts'

/** What a destination may be asked at most, in the long run, and what AWS S3 takes for it. */
export interface RequestBound {
  requestsPerHour: number
  dollarsPerMonth: number
}

/** As AWS counts them. */
const hoursPerMonth = 730
const secondsPerDay = 24 * 3_600
const daysPerMonth = hoursPerMonth / 24
const listedPerRequest = 1000
/** S3 Standard in us-east-1 (aws.amazon.com/s3/pricing, November 2026), the first 50 TB. */
const dollarsPerGibMonth = 0.023

/**
 * The bound for `streams` files, of which `active` are appended to without a pause: segments as the budget lets them
 * through, and once a day a check of each whole chain (one LIST per 1,000 segments, one GET each). An active file is
 * taken to be rotated daily; full segments, which no budget holds back, come on top (`dollarsPerGib`).
 */
export function requestBound(streams: number, active: number, budget: Budget): RequestBound {
  const segmentsPerDay = secondsPerDay / longestWait(active, budget)
  const idle = streams - active
  const usage = noUsage()
  usage.requests.put.ok = (active * segmentsPerDay) / 24 + digest().requests.put.ok
  usage.requests.list.ok = (active * Math.ceil(segmentsPerDay / listedPerRequest) + idle) / 24
  usage.requests.get.ok = (active * segmentsPerDay + idle) / 24
  return {
    requestsPerHour: Math.ceil(requestCount(usage)),
    dollarsPerMonth: requestDollars(usage) * hoursPerMonth,
  }
}

/** The bound for files that are delivered whole, of which so many become complete in an hour: a PUT each. */
export function wholeBound(completePerHour: number): RequestBound {
  const usage = noUsage()
  usage.requests.put.ok = completePerHour
  return { requestsPerHour: completePerHour, dollarsPerMonth: requestDollars(usage) * hoursPerMonth }
}

/** Seconds between two small segments of a stream, once its burst is used up and `active` streams take turns. */
export function longestWait(active: number, budget: Budget): number {
  const own = budget.everyMs / 1000
  const total = budget.dollarsPerMonth === undefined ? undefined : smallSegments(budget.dollarsPerMonth)
  return total === undefined ? own : Math.max(own, active / total.perSecond)
}

/** How many small segments a price allows: each is a PUT, and is listed and read once by the daily check. */
export function smallSegments(dollarsPerMonth: number): TokenRate {
  const usage = noUsage()
  usage.requests.put.ok = 1
  usage.requests.get.ok = 1
  usage.requests.list.ok = 1 / listedPerRequest
  const perHour = dollarsPerMonth / hoursPerMonth - requestDollars(digest())
  const perSecond = perHour / requestDollars(usage) / 3600
  // What a quiet hour has saved: a morning's logins do not wait for a price that is meant per month.
  return { capacity: Math.max(1, perSecond * 3600), perSecond }
}

/** What an agent asks for in an hour of which there is nothing to tell. */
function digest(): Usage {
  const usage = noUsage()
  usage.requests.put.ok = 1
  return usage
}

/** What the requests cost that carry 1 GiB in full segments. */
export function dollarsPerGib(segmentBytes: number): number {
  const usage = noUsage()
  usage.requests.put.ok = 2 ** 30 / segmentBytes
  return requestDollars(usage)
}

/** What storage costs that grows by so many bytes a day: more each month, or in all where segments expire. */
export function storageDollars(bytesPerDay: number, retentionMs: number | undefined): number {
  const days = retentionMs === undefined ? daysPerMonth : retentionMs / (secondsPerDay * 1000)
  return ((bytesPerDay * days) / 2 ** 30) * dollarsPerGibMonth
}
