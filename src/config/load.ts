import { open, readdir } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { errnoOf, LogcaskError, messageOf } from '../base/errors.ts'
import type { AgentConfig } from './agent-config.ts'
import { type EnvironmentProblem, substituteEnvironment } from './environment.ts'
import { expandUrls } from './expand-urls.ts'
import { readMachine } from './machine.ts'
import { type CheckedFile, mergeFiles } from './merge.ts'
import { configExtensions, type ParsedFile, parseText } from './parse.ts'
import { type Problem, problemAt, problemsError, schemaProblems } from './problem.ts'
import { fileSchema } from './schema.ts'
import { defaultStateDirectory } from './state-directory.ts'
import type { HostFacts } from './template.ts'

/** Where the configuration is when nothing is said; the first that is there. */
export const defaultConfigFiles = ['/etc/logcask/agent.yaml', '/etc/logcask/agent.toml']

/** A configuration is written by hand: what is larger is another file. */
const configBytesMax = 1024 * 1024
/** As many files as a directory of hand-written fragments could ever have. */
const fragmentsMax = 1000

export interface LoadedConfig {
  config: AgentConfig
  /** What it was read from, in order. */
  files: string[]
}

/**
 * Reads `file` (or the default one), and the fragments beside it: `agent.d/*.yaml` for `agent.yaml`, by name. Rejects
 * with `invalid`, all problems in one message, each with file, line, setting and remedy.
 */
export async function loadConfig(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  defaultFiles: readonly string[] = defaultConfigFiles,
): Promise<LoadedConfig> {
  const main = file === undefined ? await readFirst(defaultFiles) : await readSettings(file)
  const fragments = await listFragments(main.file)
  const parsed = [main, ...(await Promise.all(fragments.map(readSettings)))]
  return { config: await checkFiles(parsed, env), files: parsed.map((one) => one.file) }
}

/** The same of settings that no file holds; `place` is what messages call it. */
export async function configOf(
  value: unknown,
  place: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AgentConfig> {
  return checkFiles([{ file: place, value, lineOf: () => undefined }], env)
}

async function checkFiles(
  parsed: readonly ParsedFile[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<AgentConfig> {
  const problems: Problem[] = []
  const machine = await readMachine()
  const checked = parsed.map((one) => checkFile(one, env, machine, problems))
  if (problems.length > 0) throw problemsError(problems)
  const config = mergeFiles(
    checked.flatMap((one) => one ?? []),
    { stateDirectory: defaultStateDirectory(env) },
    problems,
  )
  if (problems.length > 0) throw problemsError(problems)
  return config
}

function checkFile(
  parsed: ParsedFile,
  env: Readonly<Record<string, string | undefined>>,
  machine: HostFacts,
  problems: Problem[],
): CheckedFile | undefined {
  const unset: EnvironmentProblem[] = []
  const value = expandUrls(substituteEnvironment(parsed.value, env, unset), machine, unset)
  if (unset.length > 0) {
    problems.push(...unset.map(({ path, message, fix }) => problemAt(parsed, path, message, fix)))
    return undefined
  }
  const result = fileSchema.safeParse(value)
  if (result.success) return { parsed, settings: result.data }
  problems.push(...schemaProblems(fileSchema, { ...parsed, value }, result.error.issues))
  return undefined
}

export async function readFirst(files: readonly string[]): Promise<ParsedFile> {
  for (const file of files) {
    const text = await readText(file)
    if (text !== undefined) return parseText(file, text)
  }
  throw new LogcaskError('invalid', `there is no configuration: neither ${files.join(' nor ')}`, {
    hint: 'write one (logcask help validate shows one), or name it: -c FILE',
  })
}

export async function readSettings(file: string): Promise<ParsedFile> {
  if (!configExtensions.includes(extname(file))) {
    throw new LogcaskError('invalid', `${file}: is neither YAML nor TOML by its name`, {
      hint: `name it ${configExtensions.map((extension) => `*${extension}`).join(', ')}`,
    })
  }
  const text = await readText(file)
  if (text !== undefined) return parseText(file, text)
  throw new LogcaskError('invalid', `${file}: there is no such file`, {
    hint: 'check the path; logcask help validate shows a configuration',
  })
}

/** The whole file, or undefined where there is none. */
async function readText(file: string): Promise<string | undefined> {
  try {
    const bytes = await readAtMost(file, configBytesMax + 1)
    if (bytes.length <= configBytesMax) return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    const problem = error instanceof TypeError ? 'is not UTF-8' : `cannot be read: ${messageOf(error)}`
    throw new LogcaskError('invalid', `${file}: ${problem}`, {
      hint: 'mend the file, or name another: -c FILE',
      cause: error,
    })
  }
  throw new LogcaskError('invalid', `${file}: is larger than 1 MiB`, { hint: 'check the path' })
}

async function readAtMost(file: string, bytesMax: number): Promise<Buffer> {
  const handle = await open(file, 'r')
  try {
    const bytes = Buffer.alloc(bytesMax)
    let length = 0
    for (let bytesRead = 1; bytesRead > 0; length += bytesRead) {
      bytesRead = (await handle.read(bytes, length, bytesMax - length)).bytesRead
    }
    return bytes.subarray(0, length)
  } finally {
    await handle.close()
  }
}

/** `agent.d/*.yaml|*.yml|*.toml` beside `agent.yaml`, in the order of their names. Hidden ones are an editor's. */
async function listFragments(main: string): Promise<string[]> {
  const directory = `${main.slice(0, -extname(main).length)}.d`
  try {
    const names = (await readdir(directory)).filter(
      (name) => !name.startsWith('.') && configExtensions.includes(extname(name)),
    )
    if (names.length > fragmentsMax) {
      throw new LogcaskError('invalid', `${directory}: holds more than ${fragmentsMax} fragments`, {
        hint: 'put some together',
      })
    }
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map((name) => join(directory, name))
  } catch (error) {
    if (error instanceof LogcaskError) throw error
    // No fragments: none; a file of that name in the way is somebody's mistake.
    if (errnoOf(error) === 'ENOENT') return []
    throw new LogcaskError('invalid', `${directory}: cannot be read: ${messageOf(error)}`, {
      hint: `let this user read ${dirname(directory)}, or move it away`,
      cause: error,
    })
  }
}
