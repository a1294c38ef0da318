import { z } from 'zod'
import { closest } from '../base/closest.ts'
import { LogcaskError } from '../base/errors.ts'
import type { ParsedFile, SettingPath } from './parse.ts'

/** Something wrong in the configuration: where, what, and the remedy. */
export interface Problem {
  file: string
  line?: number | undefined
  path: SettingPath
  message: string
  fix?: string | undefined
}

/** All problems at once, as one `invalid` error: nobody wants to mend a file line by line. */
export function problemsError(problems: readonly Problem[]): LogcaskError {
  const [only, ...more] = problems
  if (only !== undefined && more.length === 0) return new LogcaskError('invalid', problemText(only), { hint: only.fix })
  const lines = problems.map((problem) => `${problemText(problem)}${problem.fix ? `; ${problem.fix}` : ''}`)
  return new LogcaskError('invalid', [`the configuration has ${problems.length} problems`, ...lines].join('\n'), {
    hint: 'mend them, then run logcask validate',
  })
}

function problemText({ file, line, path, message }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}`
  return path.length === 0 ? `${place}: ${message}` : `${place}: ${pathText(path)}: ${message}`
}

/** `destinations[1].url`. */
export function pathText(path: SettingPath): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}

/** What zod found in a file, in our words. */
export function schemaProblems(schema: z.ZodType, parsed: ParsedFile, issues: readonly z.core.$ZodIssue[]): Problem[] {
  const problems = issues.flatMap(unfolded).flatMap((issue): Problem[] => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
    if (issue.code !== 'unrecognized_keys') return [problemAt(parsed, path, ...issueText(issue, parsed.value))]
    const known = keysAt(schema, path)
    return issue.keys.map((key) => {
      const meant = closest(key, known)
      const fix = meant ? `did you mean ${meant}?` : `there are ${known.join(', ')}`
      return problemAt(parsed, [...path, key], 'unknown setting', fix)
    })
  })
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

/**
 * Of a name that is none, why. Of a choice between kinds, what is wrong with the kind that was meant; where none was,
 * that it is none of them.
 */
function unfolded(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code === 'invalid_key') return issue.issues.map((one) => ({ ...one, path: issue.path }))
  if (issue.code !== 'invalid_union') return [issue]
  const meant = issue.errors.find(
    (inner) => !inner.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  )
  return (meant ?? []).length === 0
    ? [issue]
    : (meant ?? []).map((one) => ({ ...one, path: [...issue.path, ...one.path] }))
}

export function problemAt(parsed: ParsedFile, path: SettingPath, message: string, fix?: string): Problem {
  return { file: parsed.file, line: parsed.lineOf(path), path, message, fix }
}

function issueText(issue: z.core.$ZodIssue, whole: unknown): [message: string, fix?: string | undefined] {
  const given = issue.path.reduce<unknown>(
    (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
    whole,
  )
  if (issue.code === 'custom')
    return [issue.message, typeof issue.params?.fix === 'string' ? issue.params.fix : undefined]
  if (issue.code === 'invalid_type') {
    const wanted = kinds[issue.expected] ?? issue.expected
    const isOwnText = !issue.message.startsWith('Invalid input')
    if (given === undefined) return ['is missing', isOwnText ? issue.message : `it is ${wanted}`]
    return [`${isOwnText ? issue.message : `must be ${wanted}`}, not ${kindOf(given)}`]
  }
  if (issue.code === 'invalid_value') {
    const choices = issue.values.map(String)
    const meant = typeof given === 'string' ? closest(given, choices) : undefined
    return [`must be one of ${choices.join(', ')}`, meant && `did you mean ${meant}?`]
  }
  return [issue.message]
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'settings (key: value)',
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'settings'
  return JSON.stringify(value) ?? String(value)
}

/** The settings that the schema knows at a path. */
function keysAt(schema: z.core.$ZodType, path: SettingPath): string[] {
  let at = unwrapped(schema)
  for (const step of path) {
    if (at instanceof z.ZodArray) at = unwrapped(at.element)
    else if (at instanceof z.ZodObject) at = unwrapped(at.shape[step])
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodUnion) {
    const settings = schema.options.find((one) => one instanceof z.ZodObject)
    if (settings) return settings
  }
  const isWrapper = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
  return isWrapper ? unwrapped(schema.unwrap()) : schema
}
