import { z } from 'zod'
import { isLocal, parseAnyListenAddress } from '../base/listen-address.ts'
import { absolutePath, bytes, checkedBy, day, duration, hour, minute, name, refuse } from './field.ts'
import { parseQueueUrl } from './queue-url.ts'
import { parseStoreUrl } from './store-url.ts'

/** What the configuration of a server may say. Unknown keys are errors; what a number is bounded by stands beside it. */

const hosts = z
  .array(z.string().min(1, 'must not be empty').max(200, 'must not be longer than 200'))
  .min(1, 'must not be empty')
  .max(1000, 'must not be more than 1000')
  .meta({ examples: [['web-*', 'db-1']] })

const token = z.strictObject({
  name: name.describe('Stands in the log for who it was given to.'),
  sha256: z
    .string()
    .superRefine((text, context) => {
      if (/^[0-9a-f]{64}$/.test(text)) return
      // Not the text: it may be the token itself.
      refuse(context, 'is no SHA-256 in hex', 'logcask serve --new-token makes a token and prints what to write here')
    })
    .describe('SHA-256 of the token, hex: whoever reads this file cannot use it.'),
  hosts: hosts.describe('Hosts that it may read: globs (* and ?).'),
})

const client = z.strictObject({
  subject: z.string().min(1, 'must not be empty').max(200).describe("The common name of the client's certificate."),
  hosts: hosts.describe('Hosts that it may read: globs (* and ?).'),
})

const pattern = z
  .string()
  .min(1, 'must not be empty')
  .superRefine((text, context) => {
    try {
      RegExp(text, 'u')
    } catch {
      refuse(context, `${text} is no regular expression`, 'write it as in ^/var/log/.*\\.log$')
    }
  })

export const serverSchema = z
  .strictObject({
    from: z.string().superRefine(checkedBy(parseStoreUrl)).describe('The bucket, which is only read.').optional(),
    to: absolutePath.optional().describe('Complete files are published there, and grow. Default: nowhere.'),
    listen: z
      .string()
      .superRefine(checkedBy(parseAnyListenAddress))
      .optional()
      .describe('Where it is asked. An address that others reach needs tls, and tokens or clients.')
      .meta({ default: '127.0.0.1:8470', examples: ['0.0.0.0:8470', 'unix:/run/logcask/serve.sock'] }),
    tls: z
      .strictObject({
        cert: absolutePath.describe('PEM, with what is between it and its authority. Read again when it was renewed.'),
        key: absolutePath.describe('PEM.'),
        clientCa: absolutePath.optional().describe('PEM: the authority whose client certificates count.'),
      })
      .optional(),
    // Each request is compared with all of them.
    tokens: z.array(token).max(1000, 'must not be more than 1000').optional(),
    clients: z.array(client).max(1000, 'must not be more than 1000').optional(),
    interval: duration(
      { min: 100, max: hour, least: '100ms', most: '1h', why: 'more often costs more than it shows' },
      '5s',
    )
      .optional()
      .describe('The shortest time between two looks at a host that delivers. Default: 5s; 0.5s for file://.'),
    events: z
      .strictObject({
        queue: z
          .string()
          .superRefine(checkedBy(parseQueueUrl))
          .describe('An SQS queue that the bucket notifies of new objects: its URL, its ARN, or sqs://NAME?region=.')
          .meta({ examples: ['https://sqs.eu-central-1.amazonaws.com/123456789012/logs'] }),
        listEvery: duration(
          {
            min: minute,
            max: 7 * day,
            least: '1m',
            most: '7d',
            why: 'more often polling is cheaper; later, what events missed is missing for long',
          },
          '24h',
        )
          .optional()
          .describe('Everything is listed so often, spread over that time: the truth. Default: 24h.'),
      })
      .optional()
      .describe('What is published comes by events, and not by polling.'),
    as: z.string().min(1, 'must not be empty').optional().describe('Template for the names of published files.'),
    quota: z
      .strictObject({
        streams: z
          .int()
          .min(1, 'must be at least 1')
          .max(100_000_000, 'must not be more than 100000000')
          .optional()
          .describe('Streams that are published. Others of that host are not; what is published goes on.'),
        bytes: bytes({ min: 1024 ** 2, max: 1024 ** 5, least: '1MiB', most: '1PiB', why: 'less holds no log' }, '1TiB')
          .optional()
          .describe('Bytes that are published.'),
        requestsPerHour: z
          .int()
          .min(100, 'must be at least 100: a look at a host takes some')
          .max(100_000_000, 'must not be more than 100000000')
          .optional()
          .describe('Requests to the bucket for it, and as many at once.'),
      })
      .optional()
      .describe('What one host may take, so that a hostile one hurts only itself. Default: no bound.'),
    accept: z
      .strictObject({
        hosts: hosts.optional().describe('Other hosts are not read, published or shown.'),
        names: z
          .array(pattern)
          .min(1, 'must not be empty')
          .max(100, 'must not be more than 100')
          .optional()
          .describe('Regular expressions: what has no path that one of them finds is not published.'),
      })
      .optional(),
  })
  .superRefine(checkAccess)
  .describe('Configuration of a logcask server.')

export type ServerSettings = z.output<typeof serverSchema>

function checkAccess(
  settings: { clients?: unknown[] | undefined; tls?: { clientCa?: string | undefined } | undefined },
  context: z.RefinementCtx,
): void {
  const hasClients = (settings.clients?.length ?? 0) > 0
  if (hasClients && settings.tls?.clientCa === undefined)
    refuse(context, 'has clients and no tls.clientCa', 'set the authority that signed their certificates')
  if (!hasClients && settings.tls?.clientCa !== undefined)
    refuse(context, 'has tls.clientCa and no clients', 'list under clients: who of its certificates may read what')
}

/** What is missing where others reach the address and nobody asks them who they are; undefined where nothing is. */
export function accessProblem(settings: ServerSettings, listen: string): { problem: string; fix: string } | undefined {
  if (isLocal(parseAnyListenAddress(listen))) return undefined
  const isKnown = (settings.tokens?.length ?? 0) + (settings.clients?.length ?? 0) > 0
  const missing = [...(settings.tls ? [] : ['TLS']), ...(isKnown ? [] : ['a token or client certificate'])]
  if (missing.length === 0) return undefined
  return {
    problem: `${listen} can be reached from elsewhere, and there is no ${missing.join(' and no ')}`,
    fix: 'in the configuration (-c FILE) set tls: { cert, key }, and tokens: (logcask serve --new-token makes one); or listen on 127.0.0.1 and let a proxy do both',
  }
}
