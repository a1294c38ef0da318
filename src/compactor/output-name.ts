import { basename, dirname } from 'node:path'
import { LogcaskError } from '../base/errors.ts'
import { checkTemplate, expandTemplate, namesIn } from '../base/template.ts'
import { birthOfIdentity } from '../format/keys.ts'
import type { Origin } from '../format/origin.ts'

const names = ['path', 'directory', 'filename', 'name', 'year', 'month', 'day', 'hour', 'machine_id'] as const
const labelPrefix = 'labels.'

/** Throws `invalid` for a template of output names that stands for nothing, or names all files alike. */
export function checkOutputTemplate(template: string): void {
  const held = namesIn(template)
  const labels = [...held].filter((name) => /^labels\.[a-z][a-z0-9_]*$/.test(name))
  checkTemplate(template, [...names, ...labels])
  if (template.split('/').some((part) => part === '..' || part === '.'))
    throw new LogcaskError('invalid', `${template}: holds a part . or ..`, { hint: 'leave it out' })
  if (held.size === 0)
    throw new LogcaskError('invalid', `${template}: holds no name in braces`, {
      hint: 'end it with {filename}, as in {labels.service}/{filename}',
    })
}

/**
 * What a stream is published as, before published-name.ts makes it safe and its own: by a template of what its origin
 * says; without one, by the name that its source gave it, else by its path. What an origin does not say is `none`. Pure.
 */
export function outputPath(origin: Origin, template: string | undefined): string {
  const { labels = {}, machine, path } = origin
  const name = labels.name ?? path
  if (template === undefined) return name
  const birth = birthOfIdentity(origin.identity) ?? ''
  const values: Record<(typeof names)[number], string> = {
    path,
    directory: dirname(path),
    filename: basename(path),
    name,
    year: birth.slice(0, 4),
    month: birth.slice(5, 7),
    day: birth.slice(8, 10),
    hour: birth.slice(11, 13),
    machine_id: machine ?? '',
  }
  return expandTemplate(template, (one) => {
    const value = one.startsWith(labelPrefix)
      ? labels[one.slice(labelPrefix.length)]
      : values[one as (typeof names)[number]]
    return value || 'none'
  })
}
