import { resolve } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import type { SourceSettings } from '../agent/context.ts'
import { rootedFiles } from '../agent/rooted-files.ts'
import { type AgentState, openState, readState } from '../agent/state.ts'
import { pathForPeople, textForPeople } from '../base/path-bytes.ts'
import { readMachine } from '../config/machine.ts'
import { defaultStateDirectory } from '../config/state-directory.ts'
import { type CommandInput, isSet, textOf, textsOf, usageError } from './command.ts'
import { type AgentComposition, composeAgent } from './compose-agent.ts'
import { exits } from './exit.ts'
import { aheadBytesMax, type Follower, repeatMs, waitForRoom } from './pipe-follower.ts'
import { checkPipeName, clearPipe, openPipeSpool, type PipeSpool, pipeDirectory, pipePath } from './pipe-spool.ts'
import { unfinishedOf } from './run-outcome.ts'
import { RunReport } from './run-report.ts'
import { shellWord } from './shell-word.ts'
import { deliver, tell, withOtherState } from './ship.ts'
import { destinationsOf } from './ship-destinations.ts'
import { formatBytes } from './units.ts'

/** A short output is sent when it is whole, in one request; a longer one, or a slow one, while it grows. */
const followAfter = { ms: 1_000, bytes: 4 * 1024 * 1024 }
/** As the daemon's: what comes at once goes at once, a sustained trickle costs 360 requests an hour. */
const followBudget = { burst: 20, everyMs: 10_000 }

/** `command | logcask ship - --as NAME`: what comes in is a file of ours, shipped as it grows, and sealed at its end. */
export async function shipPipe(input: CommandInput, urls: readonly string[], source?: Readable): Promise<number> {
  const { values, clock, env, terminal } = input
  refuseOthers(input)
  const name = checkPipeName(textOf(values, 'as'))
  const destinations = destinationsOf(input, urls)
  const machine = await readMachine()
  const given = resolve(textOf(values, 'state') ?? defaultStateDirectory(env))
  const directory = pipeDirectory(given, name)
  // What else is delivered from here, and what was piped in before, says which host this is.
  const before = (await readState(directory)) ?? (await readState(given))
  const host = textOf(values, 'host') ?? before?.host ?? machine.hostname
  const state = await openState(directory, host, clock).catch(withOtherState)
  try {
    const spool = await openPipeSpool(directory, name, clock, fullDisk(input, name))
    const run: Pipe = { input, state, spool, machine: machine.machineId, destinations, report: new RunReport() }
    let isDelivered = false
    try {
      await takeIn(run, source ?? process.stdin)
      const code = await deliverAll(run)
      isDelivered = code === exits.done || code === exits.lossy
      return code
    } finally {
      if (!isDelivered) terminal.warn(keptText(input, spool, given, name))
    }
  } finally {
    await state.close()
  }
}

interface Pipe {
  input: CommandInput
  state: AgentState
  spool: PipeSpool
  machine: string | undefined
  destinations: AgentComposition['destinations']
  report: RunReport
}

function refuseOthers({ values, positionals }: CommandInput): void {
  if (positionals.length > 1)
    throw usageError('- stands for what is piped in, and goes with no other PATH', 'ship the files by another command')
  const others = ['root', 'adopt', 'exclude', 'dry-run', 'compress', 'idle', 'period', 'label']
  const other = others.find((one) => isSet(values, one) || textsOf(values, one).length > 0)
  if (other !== undefined) throw usageError(`--${other} is of no use with what is piped in`, 'leave it out')
}

/** Resolves at the end of the input, when all of it is on disk. */
async function takeIn(run: Pipe, source: Readable): Promise<void> {
  const { input, spool } = run
  const { clock } = input
  const failed = new AbortController()
  const signal = AbortSignal.any([input.signal, failed.signal])
  let following: Promise<Follower> | undefined
  const follow = (): void => {
    following ??= startFollower(run, (error) => failed.abort(error))
    following.catch((error) => failed.abort(error))
  }
  const cancel = clock.timer(followAfter.ms, follow)
  try {
    for await (const bytes of addAbortSignal(signal, source)) {
      await spool.write(bytes as Uint8Array, signal)
      if (spool.bytes >= followAfter.bytes) follow()
      const follower = await following
      if (follower === undefined) continue
      follower.look()
      const path = pipePath(run.state.directory, spool.file)
      await waitForRoom(follower.composed, path, spool.bytes, aheadBytesMax, clock, signal, () =>
        sayWaiting(run, follower),
      )
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    cancel()
    await spool.close()
    await (await following?.catch(() => undefined))?.stop()
  }
}

function composition(
  run: Pipe,
  parts: Pick<AgentComposition, 'isOneShot' | 'destinations' | 'watch'>,
): AgentComposition {
  const { input, report, spool, state } = run
  const files = spool.bytes === 0 && spool.leftovers.length > 0 ? spool.leftovers : [...spool.leftovers, spool.file]
  const source: SourceSettings = {
    name: 'pipe',
    include: [],
    literal: files.map((file) => pipePath(state.directory, file)),
    exclude: [],
    followSymlinks: false,
    sealAfterMs: 60_000,
    copies: 'new-stream',
    isOriginal: true,
  }
  return {
    ...parts,
    state,
    machine: run.machine,
    files: (own) => rootedFiles(own, state.directory),
    sources: [source],
    scanIntervalMs: 60_000,
    clock: input.clock,
    report: (event) => tell(input, report, event),
  }
}

async function startFollower(run: Pipe, onFailure: (error: unknown) => void): Promise<Follower> {
  const { clock } = run.input
  let hint: (hint: { path: string; appeared: boolean }) => void = () => {}
  const destinations = run.destinations.map((one) => ({ ...one, budget: followBudget }))
  const watch: AgentComposition['watch'] = (_sources, told) => {
    hint = told
    return { close: () => Promise.resolve() }
  }
  const composed = await composeAgent(composition(run, { isOneShot: false, destinations, watch }))
  const stop = new AbortController()
  const running = composed.agent.run(stop.signal)
  running.catch(onFailure)
  const path = pipePath(run.state.directory, run.spool.file)
  let cancel: (() => void) | undefined
  return {
    composed,
    look() {
      // Many small writes are one look.
      cancel ??= clock.timer(lookEveryMs, () => {
        cancel = undefined
        hint({ path, appeared: false })
      })
    },
    async stop() {
      cancel?.()
      stop.abort(new Error('the input has ended'))
      await running.finally(() => composed.close())
    },
  }
}

const lookEveryMs = 20

/** What is there now, with what earlier runs of the name left, as `ship` delivers files; then they go. */
async function deliverAll(run: Pipe): Promise<number> {
  const { input, spool, report } = run
  const composed = await composeAgent(composition(run, { isOneShot: true, destinations: run.destinations }))
  let code: number
  try {
    code = await deliver(input, composed, report)
  } finally {
    await composed.close()
  }
  if (code === exits.done || code === exits.lossy) await clearPipe(run.state.directory, spool)
  return code
}

function sayWaiting({ input, spool }: Pipe, { composed }: Follower): void {
  const why = unfinishedOf(composed).map(({ name, message }) => `${name}: ${textForPeople(message)}`)
  input.terminal.warn(
    `${formatBytes(spool.bytes)} came in, and no destination keeps up: nothing more is read for now (${why.join('; ')})`,
  )
}

function fullDisk({ terminal, clock }: CommandInput, name: string): (problem: string) => void {
  let saidAtMs = Number.NEGATIVE_INFINITY
  return (problem) => {
    if (clock.monotonic() - saidAtMs < repeatMs) return
    saidAtMs = clock.monotonic()
    terminal.warn(
      `${pathForPeople(name)}: ${textForPeople(problem)}: nothing more is read until there is room\nfix: free space for the state directory`,
    )
  }
}

function keptText({ values }: CommandInput, spool: PipeSpool, directory: string, name: string): string {
  const to = textsOf(values, 'to').map((url) => ` --to ${shellWord(url)}`)
  const again = `logcask ship - --as ${shellWord(name)}${to.join('')} --state ${shellWord(directory)} < /dev/null`
  return `${formatBytes(spool.bytes)} of what was piped in is kept in ${pathForPeople(spool.file)}, and not all of it delivered\nfix: run the same again, or without the command: ${again}`
}
