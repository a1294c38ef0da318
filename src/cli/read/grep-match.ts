import { messageOf } from '../../base/errors.ts'
import { usageError } from '../command.ts'

/** Whether a line, without its newline, is one that is asked for. */
export type Matcher = (line: Buffer) => boolean

export interface MatchOptions {
  /** The patterns are text, not regular expressions. */
  isFixed: boolean
  ignoresCase: boolean
  isInverted: boolean
}

/**
 * Any of the patterns. Text is compared byte by byte where it can be; for the rest a line is read as UTF-8, in which bytes
 * that are none match `.` and nothing else. What is printed is always the line's own bytes.
 */
export function matcherOf(patterns: readonly string[], { isFixed, ignoresCase, isInverted }: MatchOptions): Matcher {
  const matchers = patterns.map((pattern) =>
    isFixed && !ignoresCase ? bytesMatcher(pattern) : expressionMatcher(pattern, isFixed, ignoresCase),
  )
  const [only] = matchers
  const matches: Matcher =
    only !== undefined && matchers.length === 1 ? only : (line) => matchers.some((one) => one(line))
  return isInverted ? (line) => !matches(line) : matches
}

function bytesMatcher(pattern: string): Matcher {
  const bytes = Buffer.from(pattern)
  return (line) => line.includes(bytes)
}

function expressionMatcher(pattern: string, isFixed: boolean, ignoresCase: boolean): Matcher {
  const source = isFixed ? pattern.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&') : pattern
  const expression = compile(source, ignoresCase ? 'i' : '')
  return (line) => expression.test(line.toString())
}

function compile(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, `${flags}u`)
  } catch {
    // With `u` an escape that means nothing is an error, and many write \- or \" by habit.
  }
  try {
    return new RegExp(source, flags)
  } catch (error) {
    throw usageError(`${source}: ${messageOf(error)}`, 'it is a regular expression of JavaScript; -F takes it as text')
  }
}
