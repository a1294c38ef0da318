import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { Pace } from './pace.ts'
import type { Note } from './timeline.ts'
import { lastOf, type TortureProcess } from './torture-process.ts'

export interface Kills {
  kills: number
  /** Of them, frozen for seconds before. */
  frozen: number
  /** Of them, with the state directory deleted afterwards. */
  statesDeleted: number
  /** Processes that ended without being killed, with what they said. */
  surprises: string[]
}

export interface VictimSettings {
  name: string
  logFile: string
  start(): TortureProcess
  random: SeededRandom
  note: Note
  pace: Pace
  /** What may be deleted while it is down; undefined: nothing. */
  state?: string | undefined
}

/** A process that is killed at random and started again, until it is let go. */
export class Victim implements Kills {
  kills = 0
  frozen = 0
  statesDeleted = 0
  readonly surprises: string[] = []
  readonly #settings: VictimSettings
  #process: TortureProcess

  constructor(settings: VictimSettings) {
    this.#settings = settings
    this.#process = settings.start()
  }

  /** Until `signal`; the process runs at the end. */
  async torment(signal: AbortSignal): Promise<void> {
    const { random, pace } = this.#settings
    while (!signal.aborted) {
      await Promise.race([pause(lifetimeMs(random) * pace.factor, signal), this.#process.ended])
      if (signal.aborted) break
      if (this.#process.hasEnded) await this.#noteSurprise()
      else await this.#kill(signal)
      // Machines boot, supervisors wait.
      if (random.chance(0.3)) await pause(random.int(0, 3_000), signal)
      this.#process = this.#settings.start()
      this.#settings.note(`${this.#settings.name}: started`)
    }
  }

  /** SIGTERM; gives the exit status, or the signal's name. */
  async stop(withinMs: number): Promise<string> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), withinMs)
    this.#process.kill('SIGTERM')
    const { code, signal } = await this.#process.ended
    clearTimeout(timer)
    return String(code ?? signal)
  }

  async #kill(signal: AbortSignal): Promise<void> {
    const { random, state, note, name } = this.#settings
    if (random.chance(0.1)) {
      // A host that stands still, and goes on in the middle of what it did.
      note(`${name}: SIGSTOP`)
      this.#process.kill('SIGSTOP')
      await pause(random.int(500, 6_000), signal)
      this.frozen++
      if (random.chance(0.5)) {
        this.#process.kill('SIGCONT')
        await pause(random.int(0, 2_000), signal)
      }
    }
    this.#process.kill('SIGKILL')
    await this.#process.ended
    this.kills++
    note(`${name}: SIGKILL`)
    const isDeleted = random.chance(0.4)
    if (!isDeleted || state === undefined) return
    await rm(state, { recursive: true, force: true })
    this.statesDeleted++
    note(`${name}: state deleted`)
  }

  async #noteSurprise(): Promise<void> {
    const { code, signal } = await this.#process.ended
    const { name, logFile } = this.#settings
    this.surprises.push(`${name} ended by itself (${code ?? signal}): ${await lastOf(logFile)}`)
    await sleep(1_000)
  }
}

/** Short ones die while they start: in the probe, the listing, the first segment. */
function lifetimeMs(random: SeededRandom): number {
  const at = random.next()
  if (at < 0.15) return random.int(50, 500)
  return at < 0.65 ? random.int(500, 5_000) : random.int(5_000, 18_000)
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => {})
}
