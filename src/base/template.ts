import { closest } from './closest.ts'
import { LogcaskError } from './errors.ts'

/** Text with names in braces. Pure: what the names stand for is the caller's. */

/** Throws `invalid` for a brace that stands alone, and for a name that is none of `names`. */
export function checkTemplate(template: string, names: readonly string[]): void {
  for (const [whole, name = ''] of template.matchAll(/\{([^{}]*)\}|[{}]/g)) {
    if (names.includes(name)) continue
    const meant = closest(name, names) ?? names.find((one) => one.startsWith(`${name}_`))
    throw new LogcaskError(
      'invalid',
      `${template}: ${whole} stands for nothing${meant ? ` (did you mean {${meant}}?)` : ''}`,
      { hint: `there ${names.length === 1 ? 'is' : 'are'} ${listed(names)}` },
    )
  }
}

/** The names that a template holds. */
export function namesIn(template: string): Set<string> {
  return new Set([...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name))
}

export function expandTemplate(template: string, toValue: (name: string) => string): string {
  return template.replace(/\{([^{}]*)\}/g, (_, name: string) => toValue(name))
}

function listed(names: readonly string[]): string {
  const shown = names.map((name) => `{${name}}`)
  const last = shown.pop() ?? ''
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`
}
