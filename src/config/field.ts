import { z } from 'zod'
import { LogcaskError } from '../base/errors.ts'
import { parseBytes, parseDuration, parseRate } from '../base/quantity.ts'

/** The kinds of values that settings have. An issue's `fix`, where it has one, is the remedy that problem.ts prints. */

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** An issue with the remedy beside it, as problem.ts reads it. */
export function refuse(context: z.RefinementCtx, message: string, fix: string): typeof z.NEVER {
  context.addIssue({ code: 'custom', message, params: { fix } })
  return z.NEVER
}

/** A check that throws `invalid` with a hint (as parseStoreUrl does) as a check of the schema. */
export function checkedBy(check: (text: string) => unknown) {
  return (text: string, context: z.RefinementCtx): void => {
    try {
      check(text)
    } catch (error) {
      if (!(error instanceof LogcaskError)) throw error
      refuse(context, error.message, error.hint ?? '')
    }
  }
}

export function duration(
  bounds: { min: number; max: number; least: string; most: string; why: string },
  example: string,
) {
  return z
    .string({ error: `must be a duration such as ${example}` })
    .transform((text, context) => {
      const ms = parseDuration(text)
      if (ms === undefined) return refuse(context, `${text} is no duration`, `write it as ${example}`)
      if (ms >= bounds.min && ms <= bounds.max) return ms
      return refuse(context, `${text} is not between ${bounds.least} and ${bounds.most}`, bounds.why)
    })
    .meta({ examples: [example], pattern: '^(\\d+(\\.\\d+)?(ms|[smhd]) ?)+$' })
}

export const rate = z
  .string({ error: 'must be a rate such as 20MB/s' })
  .transform((text, context) => {
    const bytes = parseRate(text)
    if (bytes === undefined) return refuse(context, `${text} is no rate`, 'write it as 20MB/s or 512KiB/s')
    if (bytes < 10_000) {
      return refuse(context, `${text} is less than 10kB/s`, 'slower than that, one segment takes a quarter of an hour')
    }
    return bytes
  })
  .meta({ examples: ['20MB/s', '512KiB/s'] })

export function bytes(bounds: { min: number; max: number; least: string; most: string; why: string }, example: string) {
  return z
    .string({ error: `must be a size such as ${example}` })
    .transform((text, context) => {
      const count = parseBytes(text)
      if (count === undefined) return refuse(context, `${text} is no size`, `write it as ${example}`)
      if (count >= bounds.min && count <= bounds.max) return count
      return refuse(context, `${text} is not between ${bounds.least} and ${bounds.most}`, bounds.why)
    })
    .meta({ examples: [example] })
}

/** A label of metrics and a name in the state directory. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be up to 63 letters, digits, dots, dashes and underscores')

export const absolutePath = z
  .string()
  .regex(/^\/[^\0]*$/, 'must be an absolute path')
  .meta({ examples: ['/etc/logcask/ca.pem'] })

export const include = z
  .string()
  .superRefine((pattern, context) => {
    if (pattern.startsWith('!'))
      return refuse(context, `${pattern} excludes`, `write ${pattern.slice(1)} under exclude:`)
    if (!pattern.startsWith('/'))
      return refuse(context, `${pattern} is not absolute`, 'begin with /, as in /var/log/*.log')
    if (/(^|\/)\.\.?(\/|$)/.test(pattern))
      return refuse(context, `${pattern} holds . or ..`, 'write the path without them')
  })
  .meta({ examples: ['/var/log/*.log*'] })

export const exclude = z
  .string()
  .min(1, 'must not be empty')
  .superRefine((pattern, context) => {
    if (!pattern.includes('/') || pattern.startsWith('/') || pattern.startsWith('**/')) return
    refuse(context, `${pattern} would never match`, `begin with / or **/, as in **/${pattern}`)
  })
  .meta({ examples: ['*.xz', '/var/log/private/**'] })
