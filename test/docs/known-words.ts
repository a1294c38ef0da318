import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, frameOptions } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'

export const checkout = fileURLToPath(new URL('../../', import.meta.url))

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  type?: string
}

/** All that a document may name: commands with their options, settings, files of the checkout, scripts. */
export interface Known {
  commands: ReadonlyMap<string, Command>
  schema: Schema
  scripts: readonly string[]
  /** What `import … from 'logcask'` gives. */
  library: readonly string[]
  /** Help texts and the schema: a word that stands in neither is not ours. */
  text: string
}

export async function loadKnown(): Promise<Known> {
  const loaded = await Promise.all(
    Object.entries(commands).map(async ([name, { load }]) => [name, (await load()).command] as const),
  )
  const [schema, manifest] = await Promise.all(
    ['docs/agent.schema.json', 'package.json'].map((name) => readFile(join(checkout, name), 'utf8')),
  )
  return {
    commands: new Map(loaded),
    schema: JSON.parse(schema ?? '') as Schema,
    scripts: Object.keys((JSON.parse(manifest ?? '') as { scripts: object }).scripts),
    library: Object.keys(await import('../../src/index.ts')),
    text: `${loaded.map(([, { help }]) => help).join('\n')}\n${schema}`,
  }
}

/** What is wrong with a code span that names something of ours; undefined where it is there. */
export function problemOf(span: string, known: Known): string | undefined {
  if (span.startsWith('logcask ')) return problemOfCommand(span, known)
  const imported = /^import \{(.+)\} from 'logcask'$/.exec(span)?.[1]
  if (imported !== undefined) {
    const unknown = imported.split(',').find((name) => !known.library.includes(name.trim()))
    return unknown === undefined ? undefined : `${span}: there is no ${unknown.trim()}`
  }
  if (span.startsWith('npm run ')) return known.scripts.includes(span.slice(8)) ? undefined : `${span}: no such script`
  const setting = /^([a-z][A-Za-z]*(?:\[\])?(?:\.[a-z][A-Za-z]*)*)(?:: (.+))?$/.exec(span)
  if (setting) return problemOfSetting(setting[1] ?? '', setting[2], known)
  if (existsSync(join(checkout, span)) || known.text.includes(span)) return undefined
  return `${span}: neither a command, nor a setting, nor a file, nor a word of the help`
}

function problemOfCommand(span: string, { commands: all }: Known): string | undefined {
  const [, name = '', ...words] = span.split(/\s+/)
  const command = all.get(name)
  if (command === undefined) return `${span}: no such command`
  const options = { ...command.options, ...frameOptions }
  const unknown = words
    .filter((word) => word.startsWith('-') && word !== '-')
    .find((word) =>
      word.startsWith('--')
        ? !Object.hasOwn(options, word.slice(2))
        : !Object.values(options).some((one) => 'short' in one && `-${one.short}` === word),
    )
  return unknown === undefined ? undefined : `${span}: ${name} has no ${unknown}`
}

function problemOfSetting(path: string, value: string | undefined, { schema }: Known): string | undefined {
  const found = path.split('.').reduce<Schema[]>(
    (at, part) => {
      const isList = part.endsWith('[]')
      const next = at.flatMap((one) => one.properties?.[isList ? part.slice(0, -2) : part] ?? [])
      return next.flatMap((one) => (isList ? (one.items ?? []) : [one, ...(one.anyOf ?? [])]))
    },
    [schema],
  )
  if (found.length === 0) return `${path}: no such setting`
  const allowed = found.flatMap((one) => one.enum ?? [])
  if (value !== undefined && allowed.length > 0 && !allowed.includes(value)) return `${path}: ${value} is not allowed`
  return undefined
}
