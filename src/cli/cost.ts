import { noUsage, requestCount, requestDollars } from '../bucket/metered.ts'
import type { Budget } from '../config/agent-config.ts'

/** What a destination may be asked at most, in the long run, and what AWS S3 takes for it. */
export interface RequestBound {
  requestsPerHour: number
  dollarsPerMonth: number
}

/** As AWS counts them. */
const hoursPerMonth = 730
const listedPerRequest = 1000

/**
 * The bound for `streams` files, of which `active` are appended to without a pause: segments as the budget lets them
 * through, and once a day a check of each whole chain (one LIST per 1,000 segments, one GET each). An active file is
 * taken to be rotated daily; full segments, which no budget holds back, come on top (`dollarsPerGib`).
 */
export function requestBound(streams: number, active: number, budget: Budget): RequestBound {
  const segmentsPerDay = (24 * 3_600_000) / budget.everyMs
  const idle = streams - active
  const usage = noUsage()
  usage.requests.put.ok = (active * segmentsPerDay) / 24
  usage.requests.list.ok = (active * Math.ceil(segmentsPerDay / listedPerRequest) + idle) / 24
  usage.requests.get.ok = (active * segmentsPerDay + idle) / 24
  return {
    requestsPerHour: Math.ceil(requestCount(usage)),
    dollarsPerMonth: requestDollars(usage) * hoursPerMonth,
  }
}

/** What the requests cost that carry 1 GiB in full segments. */
export function dollarsPerGib(segmentBytes: number): number {
  const usage = noUsage()
  usage.requests.put.ok = 2 ** 30 / segmentBytes
  return requestDollars(usage)
}
