import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configOf } from '../../src/config/load.ts'
import { loadServerConfig } from '../../src/config/load-server.ts'
import { parseText } from '../../src/config/parse.ts'
import { fileSchema } from '../../src/config/schema.ts'
import { serverSchema } from '../../src/config/server-schema.ts'
import type { PageBlock } from './page-blocks.ts'

/** A configuration of ours on a page: a block of its own, or what a script writes into a file. */
export interface Configuration {
  kind: 'agent' | 'server'
  extension: '.yaml' | '.toml'
  text: string
}

/** What a fragment lacks, and an agent must have. */
const smallest = {
  sources: [{ name: 'any', include: ['/var/log/any.log'] }],
  destinations: [{ url: 'file:///srv/any' }],
}
const agentSettings = Object.keys(fileSchema.shape)
const serverSettings = Object.keys(serverSchema.shape)

/** What of a block is a configuration of ours, told by its file's name or by its settings: of YAML there is more in the world. */
export function configurationsOf({ kind, text }: Pick<PageBlock, 'kind' | 'text'>): Configuration[] {
  if (kind === 'yaml' || kind === 'toml') return configurationIn(/^# (\S+)/.exec(text)?.[1] ?? '', `.${kind}`, text)
  const written = text.matchAll(/>>? *(\S+)(\.yaml|\.toml) <<'?(\w+)'?\n([\s\S]*?)^\3$/gm)
  return [...written].flatMap(([, name = '', extension, , body = '']) =>
    configurationIn(name, extension === '.toml' ? '.toml' : '.yaml', body),
  )
}

function configurationIn(name: string, extension: Configuration['extension'], text: string): Configuration[] {
  if (name.startsWith('/etc/logcask/server')) return [{ kind: 'server', extension, text }]
  if (name.startsWith('/etc/logcask/')) return [{ kind: 'agent', extension, text }]
  const { value } = parseText(`page${extension}`, text)
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
  // A server's has the bucket that it reads; nothing else has.
  if (keys.includes('from') && keys.some((key) => serverSettings.includes(key)))
    return [{ kind: 'server', extension, text }]
  return keys.some((key) => agentSettings.includes(key)) ? [{ kind: 'agent', extension, text }] : []
}

/** Loads it as the product does, with every variable that it names set. Rejects with what is wrong. */
export async function loadConfiguration({ kind, extension, text }: Configuration): Promise<unknown> {
  const env = Object.fromEntries([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => [name, 'set']))
  if (kind === 'agent') {
    const { value } = parseText(`page${extension}`, text)
    return configOf({ ...smallest, ...(value as object) }, 'page', env)
  }
  const directory = await mkdtemp(join(tmpdir(), 'logcask-page-'))
  try {
    const file = join(directory, `server${extension}`)
    await writeFile(file, text)
    return await loadServerConfig(file, env)
  } finally {
    await rm(directory, { recursive: true })
  }
}
