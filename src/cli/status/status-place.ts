import { access, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Life } from '../../agent/life.ts'
import { FileCheckpoint } from '../../agent/state/checkpoint.ts'
import { readState } from '../../agent/state/state.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import { defaultConfigFiles, loadConfig } from '../../config/load.ts'
import { defaultStateDirectory } from '../../config/state-directory.ts'
import { nameOfAddress, parseStoreUrl } from '../../config/store-url.ts'
import { readStatus, type StatusRecord } from '../agent/agent-status.ts'
import { type CommandInput, textOf, usageError } from '../command.ts'
import { hasEnded, processExists, readPidSpace } from '../compose/pid-space.ts'

/** Where an agent lives, told from outside: nothing is written, nothing locked. */
export interface AgentPlace {
  directory: string
  /** Undefined where none was named and none is in its usual place. */
  config: AgentConfig | undefined
  /** As the state directory is bound to it. */
  host: string | undefined
  /** What the agent last said; undefined where only one-shot runs were here. */
  status: StatusRecord | undefined
  /** Whether a process holds the directory's lock; undefined where this system does not say. */
  isLocked: boolean | undefined
  /** Whether the process that wrote `status` has surely ended. */
  hasEnded: boolean
  /** What the checkpoint knows. */
  lives: readonly Life[]
  /** Names of the destinations, as the checkpoint has them. */
  destinations: readonly string[]
}

/** `-c FILE`, `--state DIR`, or the usual places. Rejects with `invalid` where no agent ever was. */
export async function findAgent({ values, env }: Pick<CommandInput, 'values' | 'env'>): Promise<AgentPlace> {
  const file = textOf(values, 'config')
  const given = textOf(values, 'state')
  const config = file !== undefined || given === undefined ? await readConfig(file, env) : undefined
  const directory = given ?? config?.stateDirectory ?? defaultStateDirectory(env)
  const [state, status] = [await readState(directory), await readStatus(directory)]
  const destinations = destinationNames(config, status, state?.destinations ?? [])
  return {
    directory,
    config,
    host: state?.host ?? status?.host,
    status,
    isLocked: await isLocked(join(directory, 'lock')),
    hasEnded: status !== undefined && hasEnded(status, readPidSpace(), processExists),
    lives: await new FileCheckpoint(directory).load(destinations),
    destinations,
  }
}

export function requireState(place: AgentPlace): void {
  if (place.host !== undefined) return
  throw usageError(
    `${place.directory}: no agent has worked here yet`,
    'name its configuration with -c FILE, or its state directory with --state DIR',
  )
}

async function readConfig(file: string | undefined, env: NodeJS.ProcessEnv): Promise<AgentConfig | undefined> {
  const isThere = async (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    )
  if (file === undefined && !(await Promise.all(defaultConfigFiles.map(isThere))).includes(true)) return undefined
  return (await loadConfig(file, env)).config
}

/** A checkpoint names destinations by their names alone; one-shot runs make them from the URLs (ship.ts). */
function destinationNames(
  config: AgentConfig | undefined,
  status: StatusRecord | undefined,
  urls: readonly string[],
): string[] {
  if (config !== undefined) return config.destinations.map(({ name }) => name)
  if (status !== undefined) return status.destinations.map(({ name }) => name)
  return urls.flatMap((url) => [nameOfAddress(parseStoreUrl(url)), url])
}

/**
 * Whether the kernel has a lock on the file. Looking is all that this may do: to try the lock, even for an instant, could
 * keep an agent from starting.
 */
async function isLocked(path: string): Promise<boolean | undefined> {
  const locks = await readFile('/proc/locks', 'utf8').catch(() => undefined)
  if (locks === undefined) return undefined
  const info = await stat(path, { bigint: true }).catch(() => undefined)
  if (info === undefined) return false
  return locks.split('\n').some((line) => line.includes(' WRITE ') && line.includes(`:${info.ino} `))
}
