import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { DeliveryWatch } from './delivery.ts'
import { LogFile } from './log-file.ts'
import type { Oracle } from './oracle.ts'
import { addUp } from './outcome.ts'
import type { Pace } from './pace.ts'
import { type RotationKind, Rotations, type Scheme } from './rotation.ts'
import type { Note } from './timeline.ts'
import { startProcess, type TortureProcess } from './torture-process.ts'
import { pause, Victim } from './victim.ts'

export interface HostSettings {
  name: string
  logcask(...args: string[]): string[]
  /** Its logs, state and messages. */
  directory: string
  url: string
  /** The proxy's. */
  endpoint: string | undefined
  region: string | undefined
  profile: string | undefined
  oracle: Oracle
  watch: DeliveryWatch
  random: SeededRandom
  bytesPerSecond: number
  /** How its logs are rotated. */
  scheme: Scheme
  note: Note
  pace: Pace
}

const logNames = ['app.log', 'access.log', 'audit.log']

/** One machine: writers that live through everything, and an agent that does not. */
export class TorturedHost {
  readonly name: string
  readonly agent: Victim
  readonly #rotations: Rotations[] = []
  readonly #settings: HostSettings
  readonly #config: string

  private constructor(settings: HostSettings, config: string) {
    this.name = settings.name
    this.#settings = settings
    this.#config = config
    this.agent = new Victim({
      name: `the agent of ${this.name}`,
      logFile: this.#logFile,
      start: () => this.#start(),
      random: settings.random.fork(),
      // A file that is cut while nobody remembers it may come twice (I3): where logs are cut, the state stays.
      state: settings.scheme === 'renamed' ? stateOf(settings) : undefined,
      note: settings.note,
      pace: settings.pace,
    })
  }

  static async create(settings: HostSettings): Promise<TorturedHost> {
    await mkdir(join(settings.directory, 'logs'), { recursive: true })
    const config = join(settings.directory, 'agent.yaml')
    await writeFile(config, configOf(settings))
    return new TorturedHost(settings, config)
  }

  get rotationCounts(): Map<RotationKind, number> {
    return addUp(this.#rotations.map(({ counts }) => counts))
  }

  get #logFile(): string {
    return join(this.#settings.directory, 'agent.log')
  }

  /** Writes and rotates until `signal`. */
  async write(signal: AbortSignal): Promise<void> {
    const { random, directory } = this.#settings
    const logs = logNames.map((log) => ({ log, path: join(directory, 'logs', log), random: random.fork() }))
    await Promise.all(logs.map(({ log, path, random }) => this.#writeLog(log, path, random, signal)))
  }

  /** `agent --once`: all that is there now, decided at once. Gives the exit status. */
  async deliverOnce(): Promise<string> {
    const { code, signal } = await this.#start('--once').ended
    return String(code ?? signal)
  }

  #start(...more: string[]): TortureProcess {
    return startProcess(this.#settings.logcask('agent', '-c', this.#config, ...more), this.#logFile)
  }

  async #writeLog(log: string, path: string, random: SeededRandom, signal: AbortSignal): Promise<void> {
    const { oracle, watch, name, bytesPerSecond, note, scheme } = this.#settings
    const file = new LogFile(name, log, oracle, random.fork())
    await file.begin(path)
    const rotations = new Rotations({
      file,
      path,
      scheme,
      watch,
      note,
      random: random.fork(),
      signal,
    })
    this.#rotations.push(rotations)
    const rate = bytesPerSecond / logNames.length
    let nextRotationMs = random.int(1_000, 6_000)
    const startMs = performance.now()
    while (!signal.aborted) {
      const bytes = await file.append()
      if (performance.now() - startMs > nextRotationMs) {
        await rotations.rotate()
        nextRotationMs = performance.now() - startMs + random.int(500, 8_000)
      }
      // Bursts and pauses: on average the rate.
      await pause(Math.min(5_000, (bytes / rate) * 1000 * random.next() * 2), signal)
    }
    await file.close('still there')
  }
}

function stateOf({ directory }: HostSettings): string {
  return join(directory, 'state')
}

function configOf(settings: HostSettings): string {
  const { name, directory, url, endpoint, region, profile } = settings
  const budget = { burst: 1000, everySeconds: 0.1 }
  return JSON.stringify({
    host: name,
    state: stateOf(settings),
    sources: [{ name: 'logs', include: [`${directory}/logs/*.log*`], sealAfter: '2s' }],
    destinations: [{ name: 'store', url, endpoint, region, profile, budget, requestTimeout: '10s' }],
    scanInterval: '2s',
  })
}
