import type { CommandInput } from '../command.ts'
import { formatBytes } from '../terminal/units.ts'
import { type DemoChild, DemoChildren } from './demo-child.ts'
import { bucketNames, type DemoStage } from './demo-stage.ts'

export interface DemoTiming {
  seconds: number
  rotateEveryMs: number
  /** When bucket b goes away, and for how long. */
  goneAtMs: number
  goneForMs: number
  /** Between the bucket's return and the kill: long enough that the agent is at work, too short to catch up. */
  killAfterMs: number
  /** For everything to arrive, after the writer's last line. */
  patienceMs: number
}

export function timingOf(seconds: number): DemoTiming {
  const ms = seconds * 1000
  return {
    seconds,
    rotateEveryMs: ms / 6,
    goneAtMs: ms / 4,
    goneForMs: ms / 3,
    killAfterMs: 150,
    patienceMs: 60_000,
  }
}

const lookEveryMs = 300
const stopWithinMs = 8_000

/** Plays the whole story. Resolves when every process is gone; rejects where one ended that should not. */
export async function runSchedule(
  input: CommandInput,
  stage: DemoStage,
  timing: DemoTiming,
): Promise<{ say: (who: string, text: string) => void }> {
  const { clock, signal, terminal } = input
  const { red, green, yellow, dim, cyan } = terminal.paintMessage
  const { a, b } = stage.buckets
  const { writer } = stage
  const children = new DemoChildren(clock)
  const running = new Map<string, DemoChild>()
  const startMs = clock.monotonic()
  const elapsedMs = (): number => clock.monotonic() - startMs
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
  const say = (who: string, text: string): void =>
    terminal.say(`${dim(`${(elapsedMs() / 1000).toFixed(1).padStart(5)}s`)} ${cyan(who.padEnd(9))} ${text}`)

  const start = async (name: string, args: readonly string[]): Promise<DemoChild> => {
    const child = await children.start(name, args, stage.log(name))
    running.set(name, child)
    return child
  }
  const startAgent = (): Promise<DemoChild> => start('agent', ['agent', '-c', stage.config, '--json'])

  const stopWriting = new AbortController()
  let isWritten = false
  let failure: { error: unknown } | undefined
  let serverBytes = 0
  let lookedAtMs = Number.NEGATIVE_INFINITY
  const isThere = { a: false, b: false }
  const look = async (): Promise<void> => {
    if (elapsedMs() - lookedAtMs < lookEveryMs) return
    for (const name of bucketNames) isThere[name] = await stage.buckets[name].look()
    serverBytes = await stage.serverBytes()
    lookedAtMs = elapsedMs()
    const shown = [
      ['written', writer.bytes],
      ['a', a.bytes],
      ['b', b.bytes],
      ['server', serverBytes],
    ] as const
    terminal.live(dim(shown.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(' · ')))
  }
  /** True once `isReached`; false where `deadlineMs` passes first. */
  const until = async (
    isReached: () => boolean | Promise<boolean>,
    deadlineMs = Number.POSITIVE_INFINITY,
  ): Promise<boolean> => {
    for (;;) {
      signal.throwIfAborted()
      if (failure !== undefined) throw failure.error
      for (const child of running.values()) child.requireRunning()
      await look()
      if (await isReached()) return true
      if (elapsedMs() > deadlineMs) return false
      await clock.sleep(40, signal)
    }
  }

  const stateOf = async (name: string): Promise<string | undefined> =>
    (await stage.agentStatus())?.destinations.find((one) => one.name === name)?.state

  let writing: Promise<void> = Promise.resolve()
  try {
    say('writer', `${writer.logs.length} logs, numbered lines, rotating every ${seconds(timing.rotateEveryMs)}`)
    writing = writer.run(AbortSignal.any([signal, stopWriting.signal])).then(
      () => {
        isWritten = true
      },
      (error) => {
        failure = { error }
      },
    )
    await startAgent()
    await until(() => isThere.a && isThere.b && b.bytes > 0)
    say('agent', 'ships to bucket a and bucket b')
    await start('compact', ['compact', '--from', stage.url('a'), '--to', stage.server])
    say('server', 'puts complete files together again, from bucket a')

    await until(async () => elapsedMs() >= timing.goneAtMs && (await stateOf('b')) === 'ok')
    await b.takeAway()
    const goneAtMs = elapsedMs()
    const backAtMs = goneAtMs + timing.goneForMs
    say('bucket b', `${red('GONE')}   its directory is away, as a mount that is lost`)
    await until(async () => {
      const status = await stage.agentStatus()
      const [stateA, stateB] = bucketNames.map((name) => status?.destinations.find((one) => one.name === name))
      if (stateA === undefined || stateB?.state !== 'unavailable') return false
      say(
        'agent',
        `b ${stateB.state}, ${formatBytes(stateB.behindBytes)} behind · a unaffected, ${formatBytes(stateA.behindBytes)} behind`,
      )
      return true
    }, backAtMs)
    await until(() => elapsedMs() >= backAtMs)
    const owed = writer.bytes
    const behind = owed - b.bytes
    await b.bringBack()
    say('bucket b', `${green('BACK')}   ${formatBytes(behind)} behind`)

    const backMs = elapsedMs()
    await until(() => elapsedMs() >= backMs + timing.killAfterMs)
    await running.get('agent')?.kill()
    await stage.forgetState()
    const killedMs = elapsedMs()
    say('agent', `${yellow('kill -9')} at work, and its state deleted`)
    await startAgent()
    await until(async () => (await stage.agentStatus()) !== undefined)
    say('agent', `back after ${seconds(elapsedMs() - killedMs)}: where it was, the buckets say`)
    await until(() => b.bytes >= owed)
    say('bucket b', `${formatBytes(behind)} caught up, ${seconds(elapsedMs() - killedMs)} after the kill`)

    await until(() => isWritten)
    say('writer', `done: ${formatBytes(writer.bytes)} in ${writer.files} files`)
    const endMs = elapsedMs() + timing.patienceMs
    const isArrived = (): boolean => [a.bytes, b.bytes, serverBytes].every((bytes) => bytes >= writer.bytes)
    if (await until(isArrived, endMs)) say('demo', 'every byte has arrived')
    else terminal.warn(`not every byte has arrived within ${seconds(timing.patienceMs)}: see ${stage.log('agent')}`)
    for (const child of running.values()) await child.stop(stopWithinMs)
    lookedAtMs = Number.NEGATIVE_INFINITY
    await look()
    return { say }
  } finally {
    terminal.live(undefined)
    stopWriting.abort()
    await Promise.all([writing, children.close()])
  }
}
