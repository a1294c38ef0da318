import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentState, openState, readState } from '../../agent/state/state.ts'
import { type Clock, isoTime } from '../../base/clock.ts'
import { errnoOf, isCode, LogcaskError, messageOf } from '../../base/errors.ts'
import { acquireLock } from '../../base/lock.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import { usageError } from '../command.ts'

/**
 * What is piped in is kept in `<state>/pipes/runs/<name>/<run>/`, which is a state directory of that run alone: pipes run
 * beside each other and beside an agent, also such as have one name. `pipes/<name>` in there is the spool; streams have
 * that as their path, `/pipes/<name>`, wherever the state directory is. Once all is delivered the run goes; what all of
 * them share (the host, which stores were used) stays in `<state>/pipes/`.
 */
const pipes = 'pipes'

/** What disks hold at most in a name. */
const nameBytesMax = 255
/** The lock of what runs share is held for as long as one small file takes. */
const shareWaits = { count: 50, ms: 100 }

/** `nightly/report.log` → itself. Throws `invalid` for what is no relative name of a file. */
export function checkPipeName(name: string | undefined): string {
  const usage = 'command | logcask ship - --as NAME --to URL'
  if (name === undefined) throw usageError('what is piped in has no name', `give it one: ${usage}`)
  const isFile = name.isWellFormed() && name.split('/').every((part) => !['', '.', '..'].includes(part))
  if (!isFile || name.includes('\0') || Buffer.byteLength(encodeURIComponent(name)) > nameBytesMax)
    throw usageError(`--as ${pathForPeople(name)}: is no name for what is piped in`, `as a file's: ${usage}`)
  if (name.includes('{'))
    throw usageError(`--as ${pathForPeople(name)}: what is piped in takes no template`, 'write the name out')
  return name
}

/** As the agent sees it. */
export function pipePath(name: string): string {
  return `/${pipes}/${name}`
}

/** The pipes of one state directory. */
export class PipeRoom {
  readonly #state: string
  readonly #host: string
  readonly #clock: Clock
  readonly #used: Set<string>

  private constructor(state: string, host: string, used: Iterable<string>, clock: Clock) {
    this.#state = state
    this.#host = host
    this.#used = new Set(used)
    this.#clock = clock
  }

  /** `host`: as `--host` says it; `hostname`: where nothing says it, and nothing was delivered from here before. */
  static async open(
    state: string,
    { host, hostname }: { host: string | undefined; hostname: string },
    clock: Clock,
  ): Promise<PipeRoom> {
    const main = await readState(state)
    const shared = await readState(join(state, pipes))
    const known = host ?? shared?.host ?? main?.host ?? hostname
    const room = new PipeRoom(state, known, [...(shared?.destinations ?? []), ...(main?.destinations ?? [])], clock)
    await room.#share(async () => {})
    return room
  }

  /** The state of a run that begins, locked. */
  begin(name: string): Promise<AgentState> {
    const run = `${isoTime(this.#clock.now()).replace(/\W/g, '')}-${this.#clock.id(4)}`
    return this.#openRun(join(runsOf(this.#state, name), run))
  }

  /** The states of runs of that name that left something, oldest first, locked; those at work are not among them. */
  async interrupted(name: string): Promise<AgentState[]> {
    const states: AgentState[] = []
    const directory = runsOf(this.#state, name)
    for (const run of (await namesIn(directory)).sort()) {
      const state = await this.#openRun(join(directory, run)).catch((error) => {
        if (isCode(error, 'conflict')) return undefined
        throw error
      })
      if (state === undefined) continue
      if (await hasContent(state, name)) states.push(state)
      else await discard(state)
    }
    return states
  }

  async #openRun(directory: string): Promise<AgentState> {
    const state = await openState(directory, this.#host, this.#clock)
    return { ...state, hasUsed: (url) => state.hasUsed(url) || this.#used.has(url) }
  }

  /** All of it is delivered: nothing of the run stays but which stores it has used. */
  async end(state: AgentState, urls: readonly string[]): Promise<void> {
    await this.#share(async (shared) => {
      for (const url of urls) await shared.noteUse(url)
    })
    await rm(state.directory, { recursive: true, force: true })
  }

  async #share(work: (shared: AgentState) => Promise<void>): Promise<void> {
    for (let wait = 0; ; wait++) {
      try {
        const shared = await openState(join(this.#state, pipes), this.#host, this.#clock)
        return await work(shared).finally(() => shared.close())
      } catch (error) {
        if (!isCode(error, 'conflict') || wait === shareWaits.count) throw error
        await this.#clock.sleep(shareWaits.ms)
      }
    }
  }
}

async function discard(state: AgentState): Promise<void> {
  await rm(state.directory, { recursive: true, force: true })
  await state.close()
}

async function hasContent(run: Pick<AgentState, 'directory'>, name: string): Promise<boolean> {
  const kept = await stat(spoolFile(run, name)).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  return kept !== undefined && kept.size > 0
}

function runsOf(state: string, name: string): string {
  return join(state, pipes, 'runs', encodeURIComponent(name))
}

/** Where a run keeps what came in. */
export function spoolFile({ directory }: Pick<AgentState, 'directory'>, name: string): string {
  return join(directory, pipes, name)
}

/** Names of pipes of which something was left undelivered, and nobody works on it now. */
export async function leftPipes(state: string, clock: Pick<Clock, 'now'>): Promise<string[]> {
  const left = new Set<string>()
  const room = join(state, pipes, 'runs')
  for (const encoded of await namesIn(room)) {
    const name = decodeURIComponent(encoded)
    for (const run of await namesIn(join(room, encoded))) {
      const directory = join(room, encoded, run)
      if (await isLeft(directory, name, clock)) left.add(name)
    }
  }
  return [...left].sort()
}

async function isLeft(directory: string, name: string, clock: Pick<Clock, 'now'>): Promise<boolean> {
  if (!(await hasContent({ directory }, name).catch(() => false))) return false
  // Whoever has the lock is at work on it.
  const lock = await acquireLock(join(directory, 'lock'), clock).catch(() => undefined)
  await lock?.release()
  return lock !== undefined
}

/** None only where there is no such directory: what cannot be read now may hold what nobody else has (I4). */
function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw new LogcaskError('unavailable', `cannot read ${directory}: ${messageOf(error)}`, {
      hint: 'let this user read it, then run the same again',
      cause: error,
    })
  })
}
