import type { Clock } from '../../base/clock.ts'
import { type Events, noMessages } from '../../compactor/events/follow-events.ts'
import { parseQueueUrl, type QueueAddress } from '../../config/queue-url.ts'
import type { StoreSettings } from '../../config/store-settings.ts'
import { parseStoreUrl } from '../../config/store-url.ts'
import { type CommandInput, durationOf, isSet, type OptionValues, textOf, usageError } from '../command.ts'
import { storeSettings } from '../compose/open-bucket.ts'

/** The options of a compactor that is told of news. */
export const queueOptions = { events: { type: 'string' }, 'list-every': { type: 'string' } } as const

export const queueHelp = `
Events
  --events QUEUE    an SQS queue that the bucket notifies of new objects, directly or by SNS or EventBridge: its URL,
                    its ARN, or sqs://NAME?region=. What it speaks of is looked at at once; a queue that is gone is
                    said, and hosts are polled until it is back. One queue for each directory, and one for all
                    compactors of an archive: they share the work (docs/fleet.md)
  --list-every 24h  with it, everything is listed so often, spread over that time: the truth, whatever was missed`

export interface QueueSettings {
  address: QueueAddress
  listEveryMs: number
}

export const listEveryDefaultMs = 86_400_000
/** More often, polling is the cheaper way. */
const listEveryMinMs = 60_000

/** What is said of a queue, flags over `configured`; undefined where none is named. Throws `invalid` for what cannot be. */
export function queueSettings(
  values: OptionValues,
  from: string,
  configured: { queue?: string | undefined; listEvery?: number | undefined } = {},
): QueueSettings | undefined {
  const queue = textOf(values, 'events') ?? configured.queue
  const every = durationOf(values, 'list-every')
  if (queue === undefined) {
    if (every !== undefined) throw usageError('--list-every is of events, and no queue is named', 'add --events QUEUE')
    return undefined
  }
  if (isSet(values, 'once')) throw usageError('--once looks at everything, and needs no --events', 'leave one out')
  if (parseStoreUrl(from).scheme === 'file')
    throw usageError(`--events: ${from} notifies no queue`, 'leave it out: looking into a directory costs nothing')
  if (every !== undefined && every < listEveryMinMs)
    throw usageError('--list-every: is shorter than a minute', 'leave out --events, and set --interval')
  return { address: parseQueueUrl(queue), listEveryMs: every ?? configured.listEvery ?? listEveryDefaultMs }
}

/** Opens the queue for `work`, if there is one; nothing is asked before. */
export async function withEvents(
  { values, clock }: CommandInput,
  queue: QueueSettings | undefined,
  from: string,
  work: (events: Events | undefined) => Promise<void>,
): Promise<void> {
  const events = queue && (await openEvents(queue, from, storeSettings(values), clock))
  try {
    await work(events)
  } finally {
    await events?.queue.close()
  }
}

export function byEvents(events: Events | undefined): string {
  return events === undefined ? '' : `, by events of ${events.queue.url}`
}

async function openEvents(
  { address, listEveryMs }: QueueSettings,
  from: string,
  store: StoreSettings,
  clock: Clock,
): Promise<Events> {
  const place = parseStoreUrl(from)
  if (place.scheme === 'file') throw usageError(`${from}: notifies no queue`, 'leave out --events')
  const { createSqsQueue } = await import('../../bucket/s3-queue.ts')
  const queue = createSqsQueue(
    {
      ...address,
      region: address.region ?? store.region ?? place.query.region,
      profile: address.profile ?? store.profile ?? place.query.profile,
      caFile: store.ca,
    },
    clock,
  )
  const { bucket, prefix } = place
  return { queue, place: { bucket, prefix }, listEveryMs, counts: noMessages() }
}
