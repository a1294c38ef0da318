import { resolve } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import type { AgentState } from '../../agent/state/state.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { readMachine } from '../../config/machine.ts'
import { defaultStateDirectory } from '../../config/state-directory.ts'
import { type CommandInput, isSet, textOf, textsOf, usageError } from '../command.ts'
import { exits } from '../exit.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { formatBytes } from '../terminal/units.ts'
import { deliverPipe, type PipeDelivery } from './pipe-delivery.ts'
import { aheadBytesMax, type Follower, repeatMs, startFollower, waitForRoom } from './pipe-follower.ts'
import { checkPipeName, PipeRoom, spoolFile } from './pipe-room.ts'
import { openPipeSpool, type PipeSpool } from './pipe-spool.ts'
import { unfinishedOf } from './run-outcome.ts'
import type { RunReport } from './run-report.ts'
import { destinationsOf } from './ship-destinations.ts'

/** A short output is sent when it is whole, in one request; a longer one, or a slow one, while it grows. */
const followAfter = { ms: 1_000, bytes: 4 * 1024 * 1024 }

/** `command | logcask ship - --as NAME`: what comes in is a file of ours, shipped as it grows, and sealed at its end. */
export async function shipPipe(input: CommandInput, urls: readonly string[]): Promise<number> {
  const { values, clock, env, terminal } = input
  refuseOthers(input)
  const name = checkPipeName(textOf(values, 'as'))
  const destinations = destinationsOf(input, urls)
  const { hostname, machineId } = await readMachine()
  const directory = resolve(textOf(values, 'state') ?? defaultStateDirectory(env))
  const room = await PipeRoom.open(directory, { host: textOf(values, 'host'), hostname }, clock)
  const interrupted = await room.interrupted(name)
  const state = await room.begin(name)
  const common = { input, name, machine: machineId, destinations }
  try {
    const spool = await openPipeSpool(spoolFile(state, name), clock, fullDisk(input, name))
    const former = new Former(room, interrupted, common)
    const delivered = former.deliver()
    // Awaited once the input has ended.
    delivered.catch(() => {})
    let isDelivered = false
    try {
      const before = await takeIn({ ...common, state }, spool)
      // An empty input after a run that was interrupted is about what that one left.
      const code =
        spool.bytes === 0 && interrupted.length > 0 ? exits.done : await deliverPipe({ ...common, state }, before)
      isDelivered = isEnd(code)
      if (isDelivered) await room.end(state, urls)
      return worst([await delivered, code])
    } finally {
      await delivered.catch(() => {})
      if (!isDelivered || former.left > 0) terminal.warn(keptText(input, spool, directory, name, former.left))
    }
  } finally {
    for (const one of [state, ...interrupted]) await one.close()
  }
}

function isEnd(code: number): boolean {
  return code === exits.done || code === exits.lossy
}

/** Who must act counts before who must wait, and both before what is lost. */
function worst(codes: readonly number[]): number {
  return (
    [exits.failed, exits.undelivered, exits.lossy].find((code) => codes.includes(code)) ?? codes.at(-1) ?? exits.done
  )
}

function refuseOthers({ values, positionals }: CommandInput): void {
  if (positionals.length > 1)
    throw usageError('- stands for what is piped in, and goes with no other PATH', 'ship the files by another command')
  const others = ['root', 'adopt', 'exclude', 'dry-run', 'compress', 'idle', 'period', 'label']
  const other = others.find((one) => isSet(values, one) || textsOf(values, one).length > 0)
  if (other !== undefined) throw usageError(`--${other} is of no use with what is piped in`, 'leave it out')
}

/** What interrupted runs left is delivered while the new input comes, each as the stream that it was. */
class Former {
  /** Runs of which something is still not delivered. */
  left = 0
  readonly #room: PipeRoom
  readonly #states: readonly AgentState[]
  readonly #common: Omit<PipeDelivery, 'state'>

  constructor(room: PipeRoom, states: readonly AgentState[], common: Omit<PipeDelivery, 'state'>) {
    this.#room = room
    this.#states = states
    this.#common = common
  }

  async deliver(): Promise<number> {
    const codes: number[] = []
    this.left = this.#states.length
    for (const state of this.#states) {
      const code = await deliverPipe({ ...this.#common, state })
      codes.push(code)
      if (!isEnd(code)) continue
      this.left--
      await this.#room.end(
        state,
        this.#common.destinations.map(({ url }) => url),
      )
    }
    return worst(codes)
  }
}

/** Resolves at the end of the input, when all of it is on disk, with what was delivered of it meanwhile. */
async function takeIn(run: PipeDelivery, spool: PipeSpool): Promise<RunReport | undefined> {
  const { clock } = run.input
  const failed = new AbortController()
  const signal = AbortSignal.any([run.input.signal, failed.signal])
  const source: Readable = addAbortSignal(signal, process.stdin)
  let following: Promise<Follower> | undefined
  const follow = (): void => {
    following ??= startFollower(run, (error) => failed.abort(error))
    following.catch((error) => failed.abort(error))
  }
  const cancel = clock.timer(followAfter.ms, follow)
  try {
    for await (const bytes of source) {
      await spool.write(bytes as Uint8Array, signal)
      if (spool.bytes >= followAfter.bytes) follow()
      const follower = await following
      if (follower === undefined) continue
      follower.look()
      await waitForRoom(follower, spool.bytes, aheadBytesMax, clock, signal, () => sayWaiting(run, spool, follower))
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    cancel()
    await spool.close()
    await (await following?.catch(() => undefined))?.stop()
  }
  return (await following)?.report
}

function sayWaiting({ input }: PipeDelivery, spool: PipeSpool, { composed }: Follower): void {
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
    terminal.warn(`${pathForPeople(name)}: ${textForPeople(problem)}: nothing more is read until there is room`)
    terminal.warn('fix: free space for the state directory')
  }
}

function keptText({ values }: CommandInput, spool: PipeSpool, directory: string, name: string, others: number): string {
  const to = textsOf(values, 'to').map((url) => ` --to ${shellWord(url)}`)
  const again = `logcask ship - --as ${shellWord(name)}${to.join('')} --state ${shellWord(directory)} < /dev/null`
  const more = others > 0 ? ` (and what ${others} earlier ${others === 1 ? 'run' : 'runs'} left)` : ''
  return `not all is delivered: ${formatBytes(spool.bytes)} of what was piped in is kept in ${pathForPeople(spool.file)}${more}\nfix: run the same again, or without the command: ${again}`
}
