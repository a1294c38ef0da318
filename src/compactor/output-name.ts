import { expandTemplate } from '../base/template.ts'
import { birthOfIdentity } from '../format/keys.ts'
import type { Origin } from '../format/origin.ts'
import { checkNames, originNames, originValue, refuseTemplate } from './origin-names.ts'

/** Throws `invalid` for a template of output names that stands for nothing, or names all files alike. */
export function checkOutputTemplate(template: string): void {
  const held = checkNames(template, originNames)
  if (template.split('/').some((part) => part === '..' || part === '.'))
    refuseTemplate(template, 'holds a part . or ..', 'leave it out')
  if (held.size === 0)
    refuseTemplate(template, 'holds no name in braces', 'end it with {filename}, as in {labels.service}/{filename}')
}

/**
 * What a stream is published as, before published-name.ts makes it safe and its own: by a template of what its origin
 * says; without one, by the name that its source gave it, else by its path. What an origin does not say is `none`. Pure.
 */
export function outputPath(origin: Origin, template: string | undefined): string {
  const birth = birthOfIdentity(origin.identity)
  if (template === undefined) return originValue(origin, birth, 'name')
  return expandTemplate(template, (name) => originValue(origin, birth, name) || 'none')
}
