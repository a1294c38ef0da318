import { configOf, type LoadedConfig, loadConfig } from '../../config/load.ts'
import { type CommandInput, textOf, textsOf, usageError } from '../command.ts'
import { patternOf } from '../read/stream-pattern.ts'

type Words = Pick<CommandInput, 'positionals' | 'values' | 'env'>

/**
 * The configuration of an agent: its file; or files and destinations that the command line names, with the default of
 * every other setting.
 */
export async function loadAgentConfig({ positionals, values, env }: Words): Promise<LoadedConfig> {
  const file = textOf(values, 'config')
  const urls = textsOf(values, 'to')
  if (positionals.length === 0 && urls.length === 0) return loadConfig(file, env)
  if (file !== undefined)
    throw usageError('there are a configuration, and files or --to beside it', 'leave out -c, or write them there')
  const how = 'logcask agent PATH… --to URL'
  if (positionals.length === 0) throw usageError('no file is named', `${how}; or name a configuration: -c FILE`)
  if (urls.length === 0) throw usageError('no destination is named', `${how}; or write them into a configuration`)
  const include = await Promise.all(positionals.map(patternOf))
  const sources = [{ name: 'files', include: include.map(asWritten) }]
  const destinations = urls.map((url) => ({ url: asWritten(url) }))
  return { config: await configOf({ sources, destinations }, 'the command line', env), files: [] }
}

/** A shell has substituted variables already: in a configuration `$${` is `${`. */
function asWritten(text: string): string {
  return text.replaceAll('${', () => '$${')
}
