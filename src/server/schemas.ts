import { z } from 'zod'

/** What the API answers, by shape: the OpenAPI document is made of these, and a test holds every answer to them. */

const bytes = z.int().min(0)
const time = z.string().describe('ISO 8601, UTC')
const hourText = z.string().describe('An hour, UTC: 20261120T10Z')
const next = z.string().nullable().describe('Ask again with after=… for what follows; null at the end')
const sha256 = z.string().describe('SHA-256, hex')

export const host = z.strictObject({
  host: z.string(),
  sign: z
    .enum(['alive', 'silent', 'none'])
    .describe('alive: an agent gave a sign of life in the last three hours; none: none ever did (delivered by ship)'),
  lastDigestHour: hourText.nullable().describe('Of the last week'),
})
export const hostPage = z.strictObject({ hosts: z.array(host), next })

export const gap = z.strictObject({
  offset: bytes,
  end: z.union([bytes, z.literal('open')]),
  reason: z.enum(['truncated', 'gone', 'unspooled', 'unknown']),
  problem: z.string().optional().describe('Why its record cannot be read'),
})

export const states = ['live', 'sealed', 'outgrown', 'short', 'unreadable'] as const
export const findings = ['gap', 'fork', 'stray', 'tampered', 'expired', 'problem'] as const

const streamFields = {
  host: z.string(),
  stream: z.string().describe('Its id; content, and where it lies, never change'),
  name: z.string().nullable().describe('The path that its file had; bytes that are not UTF-8 are lone surrogates'),
  shown: z.string().nullable().describe('The same for people: what could move a cursor or turn text is escaped'),
  born: time.nullable(),
  bytes: bytes.describe('On its chain'),
  segments: z.int(),
  last: time.nullable().describe('When its last object was stored'),
  state: z.enum(states),
  sha256: z.array(sha256).describe('What its seals of this length say'),
  missing: bytes.nullable().describe('Bytes that a seal counts and that are not there'),
  gaps: z.array(gap).describe('Not closed'),
  forkOf: z.strictObject({ stream: z.string(), shared: bytes }).nullable(),
  labels: z.record(z.string(), z.string()),
  aliases: z.array(z.string()).describe('Identities of other files that hold this stream'),
  strays: z.int().describe('Segments that are on no chain'),
  tampered: z.int().nullable().describe('The most versions that one of its keys has, where that is more than one'),
  expiredBefore: bytes.nullable().describe('Where its first byte is, when those before are gone'),
  problem: z.string().nullable(),
}
export const streamRow = z.strictObject(streamFields)
export const streamPage = z.strictObject({ streams: z.array(streamRow), next })

export const streamDetail = z.strictObject({
  ...streamFields,
  machine: z.string().nullable(),
  identity: z.string().nullable(),
  agent: z.string().nullable().describe('Version of the agent that saw it first'),
  published: bytes.nullable().describe('Bytes that are in the published directory'),
  seals: z.array(z.strictObject({ length: bytes, sha256, stored: time })),
  generations: z.array(z.string()).describe('All streams of the same birth and inode: what was truncated, or forked'),
})

export const digests = z.strictObject({
  host: z.string(),
  sinceHour: hourText,
  untilHour: hourText.nullable().describe('There are too many for one answer: nothing is said of this hour and later'),
  silentHours: z.array(hourText).describe('No agent gave a sign of life'),
  severalAgents: z.array(z.strictObject({ hour: hourText, agents: z.array(z.string()) })),
  broken: z
    .array(
      z.strictObject({
        hour: hourText,
        agent: z.string(),
        why: z.enum(['unreadable', 'other predecessor', 'predecessor missing']),
      }),
    )
    .describe('Digests whose predecessor is not the one that they name: taken away, added, exchanged, restored'),
})

export const activity = z.strictObject({
  host: z.string(),
  firstHour: hourText.describe('The hour of the first number'),
  bytesPerHour: z.array(bytes).describe('By when they were stored in this bucket; the last one is the current hour'),
  streams: z.int().describe('That the host has'),
  looked: z.int().describe('Of which the numbers are: the youngest, and those that its last signs of life name'),
  unread: z.int().describe('Of these, how many could not be looked at'),
  lastStored: time.nullable().describe('When the newest segment was stored'),
  lastSign: time.nullable().describe('When the last sign of life of the last three hours was stored'),
  unpublished: bytes.nullable().describe('Delivered, and not in the published directory; null where nothing is'),
})

export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  code: z.enum(['unavailable', 'refused', 'conflict', 'corrupt', 'invalid', 'internal']).optional(),
  hint: z.string().optional(),
})
