import { type EnvironmentProblem, substituteEnvironment } from './environment.ts'
import { readFirst, readSettings } from './load.ts'
import { problemAt, problemsError, schemaProblems } from './problem.ts'
import { type ServerSettings, serverSchema } from './server-schema.ts'

/** Where it is when nothing is said; the first that is there. */
export const defaultServerFiles = ['/etc/logcask/server.yaml', '/etc/logcask/server.toml']

/** Reads a server's configuration. Rejects with `invalid`, all problems in one message, as the agent's does. */
export async function loadServerConfig(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  defaultFiles: readonly string[] = defaultServerFiles,
): Promise<ServerSettings> {
  const parsed = file === undefined ? await readFirst(defaultFiles) : await readSettings(file)
  const unset: EnvironmentProblem[] = []
  const value = substituteEnvironment(parsed.value, env, unset)
  if (unset.length > 0)
    throw problemsError(unset.map(({ path, message, fix }) => problemAt(parsed, path, message, fix)))
  const result = serverSchema.safeParse(value)
  if (result.success) return result.data
  throw problemsError(schemaProblems(serverSchema, { ...parsed, value }, result.error.issues))
}
