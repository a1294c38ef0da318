import { z } from 'zod'
import { parseListenAddress } from '../base/listen-address.ts'
import { logLevels } from './agent-config.ts'
import { destination } from './destination-schema.ts'
import { absolutePath, bytes, checkedBy, duration, hour, rate, second } from './field.ts'
import { source } from './source-schema.ts'
import { checkHostTemplate } from './template.ts'

/**
 * What one file of the configuration may say. Unknown keys are errors. The descriptions end up in the JSON Schema, which
 * editors show; every number has its bound and the bound's reason. What several files say together is checked in merge.ts.
 */

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
      .describe(
        'Files are stored under this name: text, {hostname}, {machine_id}, {instance_id} or {aws_userid}. Fixed at first start.',
      )
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
    spool: bytes(
      {
        min: 0,
        max: 2 ** 50,
        least: '0B',
        most: '1024TiB',
        why: 'no state directory is larger; 0B keeps nothing of files that are deleted before they are delivered',
      },
      '1GiB',
    )
      .optional()
      .describe('What may be kept, in the state directory, of files that are deleted before they are delivered.')
      .meta({ default: '1GiB' }),
    rate: rate.optional().describe('Bytes per second at most, over all destinations together.'),
    listen: z
      .string()
      .superRefine(checkedBy(parseListenAddress))
      .optional()
      .describe('Serve /metrics, /healthz and /readyz there: on this machine only. Default: nowhere.')
      .meta({ examples: ['127.0.0.1:9464', 'unix:/run/logcask/metrics.sock'] }),
    log: z
      .strictObject({
        level: z.enum(logLevels).default('info'),
        file: absolutePath
          .optional()
          .describe('JSON lines go there, opened again when it is rotated. Default: stderr.')
          .meta({ examples: ['/var/log/logcask/agent.log'] }),
      })
      .optional()
      .describe("The agent's own log."),
  })
  .describe('Configuration of a logcask agent.')

export type FileSettings = z.output<typeof fileSchema>
