import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tableLines } from '../../src/cli/terminal/table.ts'
import { formatCount } from '../../src/cli/terminal/units.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { FaultPlan, type Rates } from './fault-plan.ts'
import { LineTally } from './line.ts'
import { LogFile } from './log-file.ts'
import type { TortureOptions } from './options.ts'
import { Oracle } from './oracle.ts'
import { sum } from './outcome.ts'
import { findFluentBit, fluentBit, logcaskPeer, type PeerAgent, type PeerPlace } from './peer-agents.ts'
import { FaultProxy } from './proxy.ts'
import { openStage, type Stage } from './stage.ts'
import { killAll } from './torture-process.ts'
import type { Audience } from './torture-run.ts'
import { pause } from './victim.ts'

/** One form for both, and a mild one: one log, renamed; nothing deleted, cut or compressed; no state lost. */
const rotationsPlanned = 13
const killsPlanned = 8
/** A third of the requests. */
const badRates: Rates = { throttled: 0.12, 'error-after': 0.07, 'answer-lost': 0.08, 'request-lost': 0.07 }
/** After the last line, with a store that works: whoever retries has retried by then. */
const restMs = 60_000

export interface PeerRow {
  agent: string
  store: 'healthy' | 'a third answered badly'
  lines: number
  lost: number
  doubled: number
  rotations: number
  kills: number
  requests: number
  faults: number
}

/** Both agents, with a store that works and with one that does not; a line for each. */
export async function runPeers(options: TortureOptions, audience: Audience): Promise<PeerRow[] | undefined> {
  const program = findFluentBit()
  if (program === undefined) return undefined
  const stage = await openStage(options)
  try {
    const { target, directory } = stage
    if (target.scheme === 'file') throw new Error('Fluent Bit delivers to S3: name an s3:// store')
    audience.say(`${target.url} · ${program} · logs and states in ${directory}`)
    const rows: PeerRow[] = []
    for (const isHealthy of [true, false]) {
      for (const agent of ['fluent-bit', 'logcask'] as const) {
        const name = `${agent}-${isHealthy ? 'healthy' : 'faults'}`
        const proxy = await startProxy(stage, isHealthy ? {} : badRates, options.seed)
        const place: PeerPlace = {
          directory: join(directory, name),
          log: join(directory, name, 'logs', 'app.log'),
          target,
          endpoint: proxy.endpoint,
          room: `${name}/`,
        }
        await mkdir(join(place.directory, 'logs'), { recursive: true })
        const peer = agent === 'logcask' ? await logcaskPeer(stage.logcask, place) : await fluentBit(program, place)
        const row = await new PeerRun(stage, options, audience, place, peer, proxy).run()
        await proxy.close()
        rows.push({ agent, store: isHealthy ? 'healthy' : 'a third answered badly', ...row })
      }
    }
    if (!options.isKept) await rm(directory, { recursive: true, force: true })
    return rows
  } finally {
    killAll()
    await stage.close()
  }
}

export function peerTable(rows: readonly PeerRow[]): string[] {
  const part = (count: number, { lines }: PeerRow): string =>
    count === 0 ? '0' : `${formatCount(count)} (${((count * 100) / lines).toFixed(1)} %)`
  const head = ['agent', 'store', 'lines', 'lost', 'doubled', 'rotations', 'kills', 'requests', 'faults']
  const cells = rows.map((row) => [
    row.agent,
    row.store,
    formatCount(row.lines),
    part(row.lost, row),
    part(row.doubled, row),
    ...[row.rotations, row.kills, row.requests, row.faults].map(formatCount),
  ])
  return tableLines([head, ...cells], [2, 3, 4, 5, 6, 7, 8])
}

async function startProxy({ target }: Stage, rates: Rates, seed: number): Promise<FaultProxy> {
  if (target.scheme === 'file') throw new Error('no proxy before file://')
  const plan = new FaultPlan(seededRandom(seed), rates, { lateMsMax: 0, now: () => performance.now(), isSteady: true })
  const proxy = new FaultProxy({ upstream: target.endpoint, ca: target.ca, plan, onStored() {} })
  await proxy.listen()
  return proxy
}

class PeerRun {
  readonly #stage: Stage
  readonly #options: TortureOptions
  readonly #audience: Audience
  readonly #place: PeerPlace
  readonly #peer: PeerAgent
  readonly #proxy: FaultProxy
  readonly #random: SeededRandom
  readonly #oracle: Oracle

  constructor(
    stage: Stage,
    options: TortureOptions,
    audience: Audience,
    place: PeerPlace,
    peer: PeerAgent,
    proxy: FaultProxy,
  ) {
    this.#stage = stage
    this.#options = options
    this.#audience = audience
    this.#place = place
    this.#peer = peer
    this.#proxy = proxy
    // The same lines and times for each.
    this.#random = seededRandom(options.seed)
    this.#oracle = new Oracle(join(place.directory, 'oracle'))
  }

  async run(): Promise<Omit<PeerRow, 'agent' | 'store'>> {
    const { durationMs } = this.#options
    const over = new AbortController()
    const end = AbortSignal.any([over.signal, this.#audience.signal])
    const timer = setTimeout(() => over.abort(), durationMs)
    const [rotations, { kills, agent }] = await Promise.all([this.#write(end), this.#kill(end)])
    clearTimeout(timer)
    this.#proxy.calm()
    this.#audience.progress(`${this.#place.room} ${rotations} rotations, ${kills} kills; now a minute of rest`)
    await pause(restMs, this.#audience.signal)
    agent.kill('SIGTERM')
    await Promise.race([agent.ended, pause(60_000, this.#audience.signal)])
    agent.kill('SIGKILL')
    this.#audience.signal.throwIfAborted()
    const tally = new LineTally(this.#oracle.lines)
    await this.#peer.count(this.#stage.store, tally)
    const { lostLines, doubledLines } = tally.result
    return {
      lines: this.#oracle.lineCount,
      lost: lostLines,
      doubled: doubledLines,
      rotations,
      kills,
      requests: sum(this.#proxy.requests.values()),
      faults: sum(this.#proxy.faults.values()),
    }
  }

  /** Renames the log up to 13 times, evenly. */
  async #write(signal: AbortSignal): Promise<number> {
    const { log } = this.#place
    const { durationMs, bytesPerSecond } = this.#options
    const file = new LogFile('peer-1', 'app.log', this.#oracle, this.#random.fork())
    await file.begin(log)
    const startMs = performance.now()
    let rotations = 0
    while (!signal.aborted) {
      const bytes = await file.append()
      const due = Math.floor(((performance.now() - startMs) / durationMs) * (rotationsPlanned + 1))
      if (rotations < Math.min(due, rotationsPlanned)) {
        for (let number = rotations; number > 0; number--) await rename(`${log}.${number}`, `${log}.${number + 1}`)
        await rename(log, `${log}.1`)
        await file.begin(log)
        rotations++
      }
      await pause(Math.min(2_000, (bytes / bytesPerSecond) * 1000), signal)
    }
    await file.close('still there')
    return rotations
  }

  /** Gives the process that runs at the end. */
  async #kill(signal: AbortSignal) {
    const { durationMs } = this.#options
    let agent = this.#peer.start()
    let kills = 0
    for (; kills < killsPlanned; kills++) {
      await pause(durationMs / (killsPlanned + 1), signal)
      if (signal.aborted) break
      if (agent.hasEnded) throw new Error(`${this.#peer.name} ended by itself: look in ${this.#place.directory}`)
      agent.kill('SIGKILL')
      await agent.ended
      await pause(500, signal)
      agent = this.#peer.start()
    }
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    return { kills, agent }
  }
}
