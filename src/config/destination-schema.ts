import { z } from 'zod'
import { checkedBy, day, duration, minute, name, rate, refuse, second } from './field.ts'
import { parseStoreUrl } from './store-url.ts'
import { checkTransport, transportFields } from './transport-schema.ts'

const segments = z.strictObject({
  burst: z
    .int('must be a whole number')
    .min(1, 'must be at least 1: nothing would ever be sent')
    // More than one request per millisecond of a burst's second is no bound.
    .max(1000, 'must be at most 1000: more is no bound')
    .default(20)
    .describe('Segments at once.'),
  everySeconds: z
    .number()
    .min(0.1, 'must be at least 0.1: at that a stream costs $130 a month')
    .max(3600, 'must be at most 3600: more than an hour of a file would be on this machine alone')
    .default(10)
    .describe('Then one segment in so many seconds.'),
})

const price = z
  .string()
  .transform((text, context) => {
    const dollars = Number(/^\$?(\d+(?:\.\d+)?) ?(?:USD)? ?\/ ?month$/.exec(text)?.[1] ?? Number.NaN)
    if (Number.isNaN(dollars)) return refuse(context, `${text} is no budget`, 'write it as 10 USD/month')
    if (dollars < 0.1)
      return refuse(context, `${text} is less than 0.1 USD/month`, 'at that, one file would wait for minutes')
    return { burst: 20, everySeconds: 10, dollarsPerMonth: dollars }
  })
  .meta({ examples: ['10 USD/month'] })

const budget = z.union([segments, price], {
  error: 'must be a price such as 10 USD/month, or segments such as { burst: 20, everySeconds: 10 }',
})

export const destination = z
  .strictObject({
    name: name.optional().describe('Names the destination in messages and metrics. Default: from the URL.'),
    url: z
      .string()
      .superRefine(checkedBy(parseStoreUrl))
      .describe('file:///dir or s3://bucket/prefix, with {hostname} or {machine_id} where wanted')
      .meta({ examples: ['s3://acme-logs-eu/prod/', 'file:///mnt/nas/logs'] }),
    endpoint: z
      .string()
      .regex(/^https?:\/\/[^/?#]+\/?$/, 'must be an http or https URL without a path, as in https://minio.example:9000')
      .optional()
      .describe('Of a store that is not AWS.'),
    region: z.string().min(1, 'must not be empty').optional(),
    profile: z.string().min(1, 'must not be empty').optional().describe("A profile of AWS's own configuration files."),
    ...transportFields,
    rate: rate.optional().describe('Bytes per second at most.'),
    requestTimeout: duration(
      {
        min: second,
        max: 15 * minute,
        least: '1s',
        most: '15m',
        why: 'sooner, a slow line never finishes; later, a store that hangs goes unnoticed',
      },
      '30s',
    )
      .optional()
      .describe('A connection on which nothing moves for so long is given up, and the request repeated.'),
    retention: duration(
      { min: day, max: 36_500 * day, least: '1d', most: '36500d', why: "it is the age in the bucket's lifecycle rule" },
      '90d',
    )
      .optional()
      .describe("How long the bucket's lifecycle rule keeps segments. Default: for ever."),
    budget: budget
      .prefault({})
      .describe('Of small appends: segments per stream, or dollars per month for all: latency against cost.'),
  })
  .superRefine(checkTransport)
  .describe('Where to deliver.')
