import { appendFile, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { SeededRandom } from '../support/seeded-random.ts'

export interface LogWriter {
  /** Ends the writing; rejects with what went wrong in it. */
  stop(): Promise<void>
  readonly rotations: number
  readonly bytes: number
}

/** Appends to `names` in `directory` until it is stopped, as daemons log, and rotates them by rename as logrotate does. */
export function startLogWriter(directory: string, names: readonly string[], random: SeededRandom): LogWriter {
  let isOver = false
  let rotations = 0
  let bytes = 0
  let line = 0
  const rotate = async (name: string): Promise<void> => {
    const kept = (await readdir(directory)).filter((one) => one.startsWith(`${name}.`)).length
    for (let at = kept; at > 0; at--)
      await rename(join(directory, `${name}.${at}`), join(directory, `${name}.${at + 1}`))
    await rename(join(directory, name), join(directory, `${name}.1`))
    rotations++
  }
  const append = async (name: string): Promise<void> => {
    // Numbered, so that a repetition shows; now and then more than one segment takes, and equal lines.
    const length = random.chance(0.01) ? random.int(1, 6_000_000) : random.int(0, 4_000)
    const text = random.chance(0.1) ? 'the same\n' : `${name} ${++line} ${'x'.repeat(length)}\n`
    await appendFile(join(directory, name), text)
    bytes += text.length
  }
  const write = async (): Promise<void> => {
    while (!isOver) {
      const name = random.pick(names)
      await append(name)
      if (random.chance(0.02)) await rotate(name)
      await new Promise((resolve) => setTimeout(resolve, random.int(0, 8)))
    }
  }
  const writing = write()
  writing.catch(() => {})
  return {
    stop() {
      isOver = true
      return writing
    },
    get rotations() {
      return rotations
    },
    get bytes() {
      return bytes
    },
  }
}
