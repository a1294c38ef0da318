import { LogcaskError } from '../base/errors.ts'
import { keyBytesMax } from '../format/limits.ts'

/**
 * The names that the embedded stores take: our format's keys and `when-complete` names. Relative, components of
 * `[A-Za-z0-9._:=+@,~ -]` that do not begin with a dot and fit a file name: every such key is a path below the root, no
 * two are the same file on a file system that keeps case, and ASCII order is byte order.
 */
const component = /^(?!\.)[A-Za-z0-9._:=+@,~ -]{1,255}$/

export function isObjectKey(key: string): boolean {
  return key.length <= keyBytesMax && key.split('/').every(isComponent)
}

export function isComponent(name: string): boolean {
  return component.test(name)
}

/** Rejects `invalid` for a key that could not be a file below the store's root. */
export function requireObjectKey(key: string): void {
  if (isObjectKey(key)) return
  const shown = JSON.stringify(key.length > 120 ? `${key.slice(0, 120)}…` : key)
  throw new LogcaskError('invalid', `${shown}: is no key that this store takes`, {
    hint: `use relative names of A-Z a-z 0-9 . _ : = + @ , ~ space -, no part empty, over 255 bytes or with a leading dot, ${keyBytesMax} bytes in all`,
  })
}

/** A prefix is a key cut anywhere: every part but the last must be whole. */
export function requirePrefix(prefix: string): void {
  if (prefix === '' || isObjectKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)) return
  requireObjectKey(prefix)
}
