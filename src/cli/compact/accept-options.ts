import { messageOf } from '../../base/errors.ts'
import { matchesGlob } from '../../base/glob.ts'
import type { Origin } from '../../format/origin.ts'
import { type OptionValues, textsOf, usageError } from '../command.ts'

/** What a compactor is to take of a bucket; as a server's configuration says it. */
export interface AcceptSettings {
  /** Globs. */
  hosts?: readonly string[] | undefined
  /** Regular expressions: one of them must find something in the path. */
  names?: readonly string[] | undefined
}

export interface Accepts {
  host: (host: string) => boolean
  /** Undefined: every name. */
  origin: ((origin: Origin) => boolean) | undefined
}

/** The options of `compact` that say the same. */
export const acceptOptions = {
  'accept-host': { type: 'string', multiple: true },
  'accept-name': { type: 'string', multiple: true },
} as const

export const acceptHelp = `  --accept-host GLOB, --accept-name REGEX   only these hosts, and files whose path a regular expression finds
                    ('web-*', '^/var/log/'); each may be repeated. What is published or archived already stays`

export function acceptsOf({ hosts, names }: AcceptSettings = {}): Accepts {
  const patterns = names?.map((one) => new RegExp(one, 'u'))
  return {
    host: (host) => hosts === undefined || hosts.some((glob) => matchesGlob(glob, host)),
    origin: patterns && (({ path }) => patterns.some((one) => one.test(path))),
  }
}

/** Throws `invalid` for what is no regular expression. */
export function acceptSettings(values: OptionValues): AcceptSettings {
  const [hosts, names] = [textsOf(values, 'accept-host'), textsOf(values, 'accept-name')]
  for (const host of hosts) if (host === '') throw usageError('--accept-host: is empty', "write it as 'web-*'")
  for (const name of names) {
    try {
      RegExp(name, 'u')
    } catch (error) {
      throw usageError(`--accept-name ${name}: ${messageOf(error)}`, "write it as '^/var/log/.*\\.log$'")
    }
    if (name === '') throw usageError('--accept-name: is empty', "write it as '^/var/log/'")
  }
  return { ...(hosts.length > 0 && { hosts }), ...(names.length > 0 && { names }) }
}
