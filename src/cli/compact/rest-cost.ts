import { noUsage, requestDollars } from '../../bucket/metered.ts'
import type { Pace } from '../../compactor/listing-plan.ts'

/** What a compactor asks while nothing happens, per hour, and what AWS takes for it in a month. */
export interface RestCost {
  requestsPerHour: number
  dollarsPerMonth: number
}

const hourMs = 3_600_000
const hoursPerMonth = 730
/** Names of streams in two rooms, and seals. */
const requestsPerLook = 3
const hostsPerRequest = 1000
/** One receiver that waits 20 s at a time. */
const pollsPerHour = 180
/** SQS standard in us-east-1 (aws.amazon.com/sqs/pricing, November 2026), without the million a month that is free. */
const dollarsPerMessageRequest = 0.4 / 1_000_000

/** Every host is looked at by `pace`, and all is listed (by `listing` requests) as often as it says. */
export function restByPolling(hosts: number, listing: number, pace: Pace): RestCost {
  const looksPerHour = hourMs / pace.intervalMaxMs
  const ofHosts = 2 * Math.max(1, Math.ceil(hosts / hostsPerRequest))
  const perHour = looksPerHour * (hosts * requestsPerLook + ofHosts) + (listing * hourMs) / pace.fullIntervalMs
  return { requestsPerHour: Math.ceil(perHour), dollarsPerMonth: listDollars(perHour) * hoursPerMonth }
}

/** All is listed every `listEveryMs`, and the queue is asked. */
export function restByEvents(listing: number, listEveryMs: number): RestCost {
  const perHour = (listing * hourMs) / listEveryMs
  const dollars = (listDollars(perHour) + pollsPerHour * dollarsPerMessageRequest) * hoursPerMonth
  return { requestsPerHour: Math.ceil(perHour) + pollsPerHour, dollarsPerMonth: dollars }
}

function listDollars(requests: number): number {
  const usage = noUsage()
  usage.requests.list.ok = requests
  return requestDollars(usage)
}
