import { z } from 'zod'
import { absolutePath, refuse } from './field.ts'
import type { StoreSettings } from './store-settings.ts'

/** Classes from which an object is read at once: a chain is read back at any time, to resume, to compare, to publish. */
const storageClasses = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'REDUCED_REDUNDANCY',
] as const

const whyNot: Readonly<Record<string, string>> = {
  GLACIER: 'is an archive: nothing is read from it before a restore',
  DEEP_ARCHIVE: 'is an archive: nothing is read from it before a restore',
  EXPRESS_ONEZONE: 'is of directory buckets, whose listings have no order',
}

const storageClass = z
  .string({ error: 'must be a storage class such as STANDARD_IA' })
  .transform((text, context) => {
    const known = storageClasses.find((name) => name === text)
    if (known !== undefined) return known
    return refuse(
      context,
      `${text} ${whyNot[text] ?? 'is no storage class that is read at once'}`,
      `use one of ${storageClasses.join(', ')}${text in whyNot ? '; a lifecycle rule may move old objects' : ''}`,
    )
  })
  .meta({ enum: [...storageClasses] })

/** How a destination is reached, as whom, and how it stores. */
export const transportFields = {
  ca: absolutePath.optional().describe('Trust this authority: a file in PEM, read again when it changes.'),
  cert: absolutePath.optional().describe('Client certificate: a file in PEM, read again when it changes.'),
  key: absolutePath.optional().describe("The client certificate's key: a file in PEM, read again when it changes."),
  roleArn: z
    .string()
    .regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'must be a role, as in arn:aws:iam::111122223333:role/logs')
    .optional()
    .describe('A role to take on with the credentials that are found.'),
  externalId: z
    .string()
    .regex(/^[\w+=,.@:/-]{2,1224}$/, 'must be 2 or more letters, digits and any of +=,.@:/-')
    .optional()
    .describe("What the role's owner asks for."),
  sse: z
    .enum(['AES256', 'aws:kms'])
    .optional()
    .describe("Encryption by the store, sent with every PUT. Default: the bucket's own."),
  kmsKey: z
    .string()
    .min(1, 'must not be empty')
    .optional()
    .describe('The key for sse: aws:kms: its ARN, id or alias. Default: aws/s3.'),
  storageClass: storageClass.optional().describe('Of every object. Default: STANDARD.'),
  expectedBucketOwner: z
    .string({ error: 'must be an account id in quotes, as in "111122223333"' })
    .regex(/^\d{12}$/, 'must be the 12 digits of an account, in quotes')
    .optional()
    .describe("The account that has the bucket: somebody else's of the same name refuses."),
  fips: z.boolean({ error: 'must be true or false' }).optional().describe('The FIPS endpoint of AWS.'),
  dualStack: z.boolean({ error: 'must be true or false' }).optional().describe('The endpoint of AWS that has IPv6.'),
}

/** What goes together, and what does not. */
export function checkTransport(settings: StoreSettings & { url: string }, context: z.RefinementCtx): void {
  const { url, endpoint, cert, key, roleArn, externalId, sse, kmsKey, fips, dualStack } = settings
  if ((cert === undefined) !== (key === undefined))
    refuse(context, 'has only one of cert and key', 'set both, or neither')
  if (externalId !== undefined && roleArn === undefined)
    refuse(context, 'has externalId without roleArn', 'set roleArn, too: the role that asks for it')
  if (kmsKey !== undefined && sse !== 'aws:kms') refuse(context, 'has kmsKey without sse: aws:kms', 'set sse: aws:kms')
  const hasEndpoint = endpoint !== undefined || /[?&]endpoint=/.test(url)
  if ((fips || dualStack) && hasEndpoint) {
    const name = fips ? 'fips' : 'dualStack'
    refuse(context, `has ${name} and an endpoint of its own`, `leave out one of them: ${name} chooses AWS's endpoint`)
  }
  const ofBuckets = ['roleArn', 'sse', 'kmsKey', 'storageClass', 'expectedBucketOwner', 'fips', 'dualStack']
  const first = ofBuckets.find((name) => name in settings)
  if (first !== undefined && url.startsWith('file:'))
    refuse(context, `has ${first} for a directory`, `leave out ${first}`)
}
