import { basename, dirname } from 'node:path'
import { LogcaskError } from '../base/errors.ts'
import { checkTemplate, namesIn } from '../base/template.ts'
import type { Origin } from '../format/origin.ts'

/** What templates of published and of archived names may hold, from what an agent says of a file. */
export const originNames = [
  ...(['path', 'directory', 'filename', 'name'] as const),
  ...(['year', 'month', 'day', 'hour', 'machine_id'] as const),
]
const labelPrefix = 'labels.'

/** The names that a template holds; throws `invalid` where one of them is none of `names`, nor a label. */
export function checkNames(template: string, names: readonly string[]): ReadonlySet<string> {
  const held = namesIn(template)
  const labels = [...held].filter((name) => /^labels\.[a-z][a-z0-9_]*$/.test(name))
  checkTemplate(template, [...names, ...labels])
  return held
}

/** Throws `invalid`. */
export function refuseTemplate(template: string, problem: string, hint: string): never {
  throw new LogcaskError('invalid', `${template}: ${problem}`, { hint })
}

/** What a name stands for; '' where the origin does not say. `birth`: as `birthOfIdentity` gives it. */
export function originValue({ labels = {}, machine, path }: Origin, birth: string | undefined, name: string): string {
  if (name.startsWith(labelPrefix)) return labels[name.slice(labelPrefix.length)] ?? ''
  const values: Readonly<Record<(typeof originNames)[number], string>> = {
    path,
    directory: dirname(path),
    filename: basename(path),
    name: labels.name ?? path,
    year: birth?.slice(0, 4) ?? '',
    month: birth?.slice(5, 7) ?? '',
    day: birth?.slice(8, 10) ?? '',
    hour: birth?.slice(11, 13) ?? '',
    machine_id: machine ?? '',
  }
  return values[name as keyof typeof values] ?? ''
}
