import type { SourceSettings } from '../agent/context.ts'
import { type Hint, watchSources } from '../agent/files/watch.ts'
import { systemClock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { watchStatus } from '../cli/agent/agent-status.ts'
import { patternOf } from '../cli/read/stream-pattern.ts'
import { standingProblems } from '../cli/ship/run-outcome.ts'
import type { FlushOutcome, StreamHandle, StreamOptions, StreamSource, StreamStatus } from './delivery-contract.ts'
import { checkedLabels, composeDelivery, type Delivering } from './delivery-settings.ts'
import { Flushes } from './flush.ts'

const drainTimeoutMs = 20_000
const sealAfterMs = 60_000
const scanIntervalMs = 60_000
/** As the daemon's: what a file appends at once goes at once, a sustained trickle costs 360 requests an hour. */
const budget = { burst: 20, everyMs: 10_000 }

export async function streamFiles(
  sources: string | readonly string[] | StreamSource | readonly StreamSource[],
  options: StreamOptions,
): Promise<StreamHandle> {
  const settings = await settingsOf(sources, options)
  let tell: Delivering['tell'] = () => {}
  const hints: Hints = { hint: () => {} }
  const delivering = await composeDelivery(options, budget, {
    sources: settings,
    isOneShot: false,
    scanIntervalMs: options.scanIntervalMs ?? scanIntervalMs,
    watch(watched, hint) {
      hints.hint = hint
      return watchSources(watched, hint, (message, fix) =>
        tell({ kind: 'problem', code: 'watch-limited', place: 'watch', message, hint: fix }),
      )
    },
  })
  tell = delivering.tell
  return new FollowedFiles(delivering, hints, options.signal)
}

/** How the agent is told to look at a file. */
interface Hints {
  hint: (hint: Hint) => void
}

async function settingsOf(
  given: Parameters<typeof streamFiles>[0],
  { exclude = [], labels }: StreamOptions,
): Promise<SourceSettings[]> {
  const each = (Array.isArray(given) ? given : [given]) as readonly (string | StreamSource)[]
  const paths = each.filter((one) => typeof one === 'string')
  const sources = each.filter((one) => typeof one !== 'string')
  if (paths.length > 0) sources.unshift({ include: await Promise.all(paths.map(patternOf)) })
  if (!sources.some(({ include }) => include.length > 0))
    throw new LogcaskError('invalid', 'no file is named', { hint: "stream('/var/log/app.log', …)" })
  return sources.map((source, at) => ({
    name: `source ${at + 1}`,
    include: source.include,
    exclude: [...exclude, ...(source.exclude ?? [])],
    followSymlinks: source.followSymlinks ?? false,
    olddir: source.olddir,
    sealAfterMs: source.sealAfterMs ?? sealAfterMs,
    copies: 'new-stream',
    labels: checkedLabels({ ...labels, ...source.labels }),
  }))
}

class FollowedFiles implements StreamHandle {
  readonly host: string
  readonly done: Promise<void>
  readonly #delivering: Delivering
  readonly #stop = new AbortController()
  readonly #flushes: Flushes
  readonly #status: () => StreamStatus
  #closing: Promise<void> | undefined

  constructor(delivering: Delivering, hints: Hints, signal: AbortSignal | undefined) {
    const { agent } = delivering.composed
    this.#delivering = delivering
    this.host = delivering.host
    this.#status = statusOf(delivering)
    const over = AbortSignal.any([this.#stop.signal, delivering.failed, ...(signal ? [signal] : [])])
    this.#flushes = new Flushes(agent, systemClock, (path) => hints.hint({ path, appeared: false }), over)
    this.done = this.#run(over)
    // Who waits for `done` gets it; nobody has to.
    this.done.catch(() => {})
  }

  async #run(over: AbortSignal): Promise<void> {
    const { composed, failed } = this.#delivering
    try {
      await composed.agent.run(over)
    } catch (error) {
      this.#flushes.fail(error)
      throw error
    } finally {
      this.#stop.abort(stopped())
      await this.#delivering.close()
    }
    failed.throwIfAborted()
  }

  flush(options: Parameters<StreamHandle['flush']>[0] = {}): Promise<FlushOutcome> {
    return this.#flushes.flush(options)
  }

  status(): StreamStatus {
    return this.#status()
  }

  close({ timeoutMs = drainTimeoutMs }: { timeoutMs?: number | undefined } = {}): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<void> {
    // What is late then is late: the next run has it.
    await this.#flushes.flush({ timeoutMs, isLast: true }).catch(() => {})
    this.#stop.abort(stopped())
    await this.done
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function stopped(): LogcaskError {
  return new LogcaskError('unavailable', 'the stream was closed', { hint: 'open it again: it goes on where it was' })
}

function statusOf(delivering: Delivering): () => StreamStatus {
  const { composed, destinations, host, report } = delivering
  const whole = watchStatus(composed.agent, {
    host,
    startedAtMs: systemClock.now(),
    urls: new Map(destinations.map(({ name, url }) => [name, url])),
    meters: composed.meters,
    report,
    clock: systemClock,
    room: { spoolBytes: 0, disks: [] },
  })
  return () => {
    const { files, bytes, forks, losses, destinations } = whole()
    return {
      host,
      files,
      bytes,
      forks,
      gaps: losses,
      destinations: destinations.map((one) => ({
        name: one.name,
        url: one.url,
        state: one.state,
        problem: one.problem,
        hint: one.hint,
        behindBytes: one.behindBytes,
        filesBehind: one.filesBehind,
        oldestMs: one.oldestSeconds * 1000,
        gaps: one.losses,
      })),
      problems: standingProblems(composed, report.problems).map(([place, { message, hint }]) => ({
        place,
        message,
        hint,
      })),
    }
  }
}
