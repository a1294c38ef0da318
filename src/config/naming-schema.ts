import { z } from 'zod'
import { LogcaskError } from '../base/errors.ts'
import { checkTemplate } from '../base/template.ts'
import { checkedBy, refuse } from './field.ts'
import { renameNames } from './template.ts'

/** What a source calls its files, and says of them. */

function checkRename(template: string): void {
  checkTemplate(template, renameNames)
  if (template.split('/').some((part) => part === '..' || part === '.'))
    throw new LogcaskError('invalid', `${template}: holds a part . or ..`, { hint: 'leave it out' })
}

const template = z.string().min(1, 'must not be empty').superRefine(checkedBy(checkRename))

export const rename = z
  .union(
    [
      template.meta({ examples: ['{name}.{mtime}'] }),
      z.strictObject({
        from: z
          .string()
          .min(1, 'must not be empty')
          .superRefine((text, context) => {
            try {
              new RegExp(text, 'u')
            } catch {
              refuse(context, `${text} is no regular expression`, 'write it as JavaScript does, as in ^/var/log/(.*)')
            }
          })
          .describe('A regular expression that the path must match; else it keeps its name.')
          .meta({ examples: ['^/var/log/sudo-io/(.*)'] }),
        to: template.describe('What becomes of it: $1 for the first group, and {name} and the like.'),
      }),
    ],
    { error: 'must be a template such as {name}.{mtime}, or { from: REGEX, to: TEXT }' },
  )
  .describe(`What its files are called where they are published: ${renameNames.map((name) => `{${name}}`).join(' ')}.`)

/** Origins have 2 KB, and a path of up to 1 KB is in them. */
const labelBytesMax = 512

const labelName = z.string().regex(/^[a-z][a-z0-9_]{0,30}$/, 'must be up to 31 small letters, digits and underscores')

export const labels = z
  .record(labelName, z.string().regex(/^[^\p{C}]{1,128}$/u, 'must be 1 to 128 characters that can be seen'))
  .superRefine((given, context) => {
    if ('name' in given) refuse(context, 'has a label name', 'it is what rename: makes: set that')
    if (Buffer.byteLength(JSON.stringify(given)) > labelBytesMax)
      refuse(
        context,
        `has labels of more than ${labelBytesMax} bytes`,
        'they go into the metadata of each file: leave some out',
      )
  })
  .describe('Said of each of its files, for whoever reads them: service, team, and the like.')

export const labelsFrom = z
  .string()
  .min(1, 'must not be empty')
  .superRefine((text, context) => {
    const fix = 'name what is in brackets, as in ^/var/log/pods/(?<namespace>[^_/]+)_'
    try {
      new RegExp(text, 'u')
    } catch {
      return refuse(context, `${text} is no regular expression`, fix)
    }
    const names = [...text.matchAll(/\(\?<([^>=!]+)>/g)].map(([, name = '']) => name)
    if (names.length === 0) refuse(context, `${text} names no label`, fix)
    for (const name of names) {
      if (!labelName.safeParse(name).success || name === 'name')
        refuse(context, `names a label ${name}`, 'use up to 31 small letters, digits and underscores, and not name')
    }
  })
  .describe('A regular expression on the path: what its named groups find are labels as well.')
  .meta({ examples: ['^/var/log/pods/(?<namespace>[^_/]+)_(?<pod>[^_/]+)_'] })
