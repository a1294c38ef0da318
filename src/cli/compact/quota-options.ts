import { parseBytes } from '../../base/quantity.ts'
import type { QuotaLimits } from '../../compactor/quota.ts'
import { type CommandInput, textOf, usageError } from '../command.ts'

/** The options of `compact` that bound what one host may take. */
export const quotaOptions = {
  'host-streams': { type: 'string' },
  'host-bytes': { type: 'string' },
  'host-requests': { type: 'string' },
} as const

/** Undefined where none is given. Throws `invalid`. */
export function quotaOf(values: CommandInput['values']): QuotaLimits | undefined {
  const streams = countOf(values, 'host-streams', (text) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined))
  const bytes = countOf(values, 'host-bytes', parseBytes)
  const requestsPerHour = countOf(values, 'host-requests', (text) =>
    /^[1-9]\d{2,8}$/.test(text) ? Number(text) : undefined,
  )
  const limits = { streams, bytes, requestsPerHour }
  return Object.values(limits).some((one) => one !== undefined) ? limits : undefined
}

const examples = { 'host-streams': '100000', 'host-bytes': '1TiB', 'host-requests': '10000 (at least 100)' }

function countOf(
  values: CommandInput['values'],
  name: keyof typeof quotaOptions,
  parse: (text: string) => number | undefined,
): number | undefined {
  const text = textOf(values, name)
  if (text === undefined) return undefined
  const count = parse(text)
  if (count === undefined || count < 1)
    throw usageError(`--${name} ${text}: is no such number`, `write it as ${examples[name]}`)
  return count
}
