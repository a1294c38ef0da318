import { startProcess } from './torture-process.ts'

/** How long a command takes to say its version where nothing else runs. */
const usualMs = 250

/**
 * How much slower than usual this machine is now: where starting takes seconds, agents that are killed after one would
 * never get to anything worth interrupting.
 */
export class Pace {
  factor = 1
  readonly #command: readonly string[]

  constructor(command: readonly string[]) {
    this.#command = command
  }

  async measure(): Promise<void> {
    const startMs = performance.now()
    await startProcess(this.#command, '/dev/null').ended
    this.factor = Math.min(10, Math.max(1, (performance.now() - startMs) / usualMs))
  }
}
