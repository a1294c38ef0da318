import { LogcaskError } from '../base/errors.ts'
import { keyBytesMax } from '../format/limits.ts'

/**
 * S3 takes any UTF-8 of up to 1,024 bytes. Rejects `invalid` for what some server, proxy or library on the way would
 * rewrite, so that two keys were one: parts that are empty, `.` or `..`, control characters, half characters.
 */
export function requireS3Key(key: string, prefix: string): void {
  const isWhole = key.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (isWhole && !/[\0-\x1f\x7f]|\p{Surrogate}/u.test(key) && Buffer.byteLength(prefix + key) <= keyBytesMax) return
  const shown = JSON.stringify(key.length > 120 ? `${key.slice(0, 120)}…` : key)
  throw new LogcaskError('invalid', `${shown}: is no key that this store takes`, {
    hint: `use a name of at most ${keyBytesMax} bytes with the prefix, without control characters and without empty, . or .. parts`,
  })
}
