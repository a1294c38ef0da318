import type { WholeSettings } from '../../agent/context.ts'
import { isCode } from '../../base/errors.ts'
import { parseDuration } from '../../base/quantity.ts'
import { type Encoding, encodings } from '../../format/whole.ts'
import { checkNameTemplate } from '../../format/whole-name.ts'
import { didYouMean, type OptionValues, textOf, textsOf, usageError } from '../command.ts'

/** Options of `ship` that are about files delivered whole. */
export const wholeOptions = {
  as: { type: 'string' },
  compress: { type: 'string' },
  idle: { type: 'string' },
  period: { type: 'string' },
  label: { type: 'string', multiple: true },
} as const

/** What is given to `ship` is meant to be complete: nobody is just writing it. */
const shipIdleMs = 5_000

/** As logjam writes it, `s3://BUCKET/{prefix}/{year}/{filename}`: the store, and the template that follows. */
export function splitTemplate(url: string): { url: string; as: string | undefined } {
  const brace = url.indexOf('{')
  if (brace < 0) return { url, as: undefined }
  const slash = url.lastIndexOf('/', brace)
  const question = url.indexOf('?', brace)
  const end = question < 0 ? url.length : question
  return { url: url.slice(0, slash + 1) + url.slice(end), as: url.slice(slash + 1, end) }
}

/** Undefined where the files are to be shipped as streams. Throws `invalid` for a template that names no file. */
export function wholeSettings(
  values: OptionValues,
  inUrls: readonly (string | undefined)[],
): { whole: WholeSettings; labels: Record<string, string> } | undefined {
  const templates = [...new Set([textOf(values, 'as'), ...inUrls].filter((one) => one !== undefined))]
  const [as, other] = templates
  if (other !== undefined)
    throw usageError(`files cannot be named both ${as} and ${other}`, 'write one template, with --as or in --to')
  if (as === undefined) {
    const useless = Object.keys(wholeOptions).find((name) => textsOf(values, name).length > 0)
    if (useless === undefined) return undefined
    throw usageError(`--${useless} is about files that are delivered whole`, 'name them: --as {path}')
  }
  const labels = labelsOf(textsOf(values, 'label'))
  checked(as, labels)
  const whole = {
    as,
    compress: encodingOf(textOf(values, 'compress') ?? 'none'),
    idleMs: spanOf(values, 'idle') ?? shipIdleMs,
    periodMs: spanOf(values, 'period'),
  }
  return { whole, labels }
}

function checked(as: string, labels: Record<string, string>): void {
  try {
    checkNameTemplate(as, labels)
  } catch (error) {
    if (isCode(error, 'invalid')) throw usageError(`--as ${error.message}`, error.hint ?? '')
    throw error
  }
}

function labelsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([A-Za-z0-9_.-]+)=(.+)$/s.exec(text) ?? []
      if (name === undefined || value === undefined)
        throw usageError(`--label ${text}: is no label`, 'write it as --label service=web')
      return [name, value]
    }),
  )
}

function encodingOf(text: string): Encoding {
  const encoding = encodings.find((one) => one === text)
  if (encoding === undefined)
    throw usageError(
      `--compress ${text}: is unknown${didYouMean(text, encodings)}`,
      `there are ${encodings.join(', ')}`,
    )
  return encoding
}

function spanOf(values: OptionValues, name: string): number | undefined {
  const text = textOf(values, name)
  if (text === undefined) return undefined
  const ms = parseDuration(text)
  if (ms === undefined || (ms === 0 && name === 'period'))
    throw usageError(`--${name} ${text}: cannot be read`, 'write it as 1h, 10m or 30s')
  return ms
}
