import { z } from 'zod'
import { logLevels } from './agent-config.ts'
import {
  absolutePath,
  checkedBy,
  day,
  duration,
  exclude,
  hour,
  include,
  minute,
  name,
  rate,
  refuse,
  second,
} from './field.ts'
import { parseStoreUrl } from './store-url.ts'
import { checkHostTemplate } from './template.ts'

/**
 * What one file of the configuration may say. Unknown keys are errors. The descriptions end up in the JSON Schema, which
 * editors show; every number has its bound and the bound's reason. What several files say together is checked in merge.ts.
 */

const source = z
  .strictObject({
    name: name.describe('Names the source in messages, metrics and `logcask why`.'),
    include: z
      .array(include)
      .min(1, 'must name at least one file or glob')
      // Each pattern costs a walk per scan.
      .max(100, 'must not be more than 100 patterns: split the source')
      .describe('Absolute globs of files that only grow, their rotated names included.'),
    exclude: z
      .array(exclude)
      .max(100, 'must not be more than 100 patterns: split the source')
      .default([])
      .describe('Globs of files to leave out; one without a slash is matched against the base name.'),
    olddir: z
      .string()
      .min(1, 'must not be empty')
      .optional()
      .describe("Where rotated files go: a directory, relative to the file's own."),
    followSymlinks: z.boolean().default(false).describe('Whether a symbolic link stands for the file it points to.'),
    copies: z
      .enum(['new-stream', 'ignore'])
      .default('new-stream')
      .describe('A file with the content of another that is still there: a stream of its own, or not shipped.'),
    to: z
      .array(z.string())
      .min(1, 'must name at least one destination, or be left out for all')
      .optional()
      .describe('Names of the destinations that get this source. Default: all.'),
    sealAfter: duration(
      {
        min: second,
        max: 30 * day,
        least: '1s',
        most: '30d',
        why: 'sooner, a writer that still holds the rotated file is cut off; later, nobody sees that a file is complete',
      },
      '1m',
    )
      .prefault('1m')
      .describe('A rotated file that has been idle for so long is complete, and sealed.'),
  })
  .describe(
    'A set of files. One that several sources match belongs to the first of them, and goes where that one goes.',
  )

const budget = z.strictObject({
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

const destination = z
  .strictObject({
    name: name.optional().describe('Names the destination in messages and metrics. Default: from the URL.'),
    url: z
      .string()
      .superRefine(checkedBy(parseStoreUrl))
      .describe('file:///dir or s3://bucket/prefix')
      .meta({ examples: ['s3://acme-logs-eu/prod/', 'file:///mnt/nas/logs'] }),
    endpoint: z
      .string()
      .regex(/^https?:\/\/[^/?#]+\/?$/, 'must be an http or https URL without a path, as in https://minio.example:9000')
      .optional()
      .describe('Of a store that is not AWS.'),
    region: z.string().min(1, 'must not be empty').optional(),
    profile: z.string().min(1, 'must not be empty').optional().describe("A profile of AWS's own configuration files."),
    ca: absolutePath.optional().describe('Trust this authority: a file in PEM.'),
    cert: absolutePath.optional().describe('Client certificate: a file in PEM.'),
    key: absolutePath.optional().describe("The client certificate's key: a file in PEM."),
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
    budget: budget.prefault({}).describe('Requests per stream: latency against cost.'),
  })
  .superRefine(({ cert, key }, context) => {
    if ((cert === undefined) !== (key === undefined))
      refuse(context, 'has only one of cert and key', 'set both, or neither')
  })
  .describe('Where to deliver.')

const interval = duration(
  {
    min: second,
    max: hour,
    least: '1s',
    most: '1h',
    why: 'more often, a scan costs more than it finds; more seldom, a file that events missed is on this machine alone',
  },
  '30s',
)

const drainTimeout = duration(
  { min: 0, max: hour, least: '0s', most: '1h', why: 'whoever stops the agent kills it sooner or later' },
  '20s',
)

export const fileSchema = z
  .strictObject({
    host: z
      .string()
      .min(1, 'must not be empty')
      .superRefine(checkedBy(checkHostTemplate))
      .optional()
      .describe('Files are stored under this name: text, {hostname} or {machine_id}. Fixed at first start.')
      .meta({ default: '{hostname}' }),
    state: absolutePath
      .optional()
      .describe('The state directory. Default: $STATE_DIRECTORY, /var/lib/logcask, or ~/.local/state/logcask.')
      .meta({ examples: ['/var/lib/logcask'] }),
    machineId: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be up to 64 letters, digits, dots, dashes and underscores')
      .optional()
      .describe('Instead of /etc/machine-id.'),
    // Bounds the names in metrics, and the walks of one scan.
    sources: z.array(source).max(1000, 'must not be more than 1000').optional().describe('What to ship.'),
    // Each holds segments in memory while it is behind.
    destinations: z.array(destination).max(16, 'must not be more than 16').optional().describe('Where to ship it.'),
    scanInterval: interval
      .optional()
      .describe('How often everything is looked at, whatever events say.')
      .meta({ default: '60s' }),
    drainTimeout: drainTimeout
      .optional()
      .describe('How long a stop waits for what is not delivered.')
      .meta({ default: '20s' }),
    log: z
      .strictObject({ level: z.enum(logLevels).default('info') })
      .optional()
      .describe("The agent's own log."),
  })
  .describe('Configuration of a logcask agent.')

export type FileSettings = z.output<typeof fileSchema>
