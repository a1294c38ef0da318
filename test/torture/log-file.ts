import { type FileHandle, open, rm } from 'node:fs/promises'
import type { SeededRandom } from '../support/seeded-random.ts'
import { buildLine } from './line.ts'
import type { Oracle, WrittenLife } from './oracle.ts'

const filler = 'abcdefghijklmnopqrstuvwxyz0123456789-_.:/?&=%+'.repeat(200)

/** The file that a program logs to, held open as daemons do, and known to the oracle byte by byte. */
export class LogFile {
  readonly log: string
  readonly host: string
  readonly #oracle: Oracle
  readonly #random: SeededRandom
  #open: { handle: FileHandle; life: WrittenLife } | undefined

  constructor(host: string, log: string, oracle: Oracle, random: SeededRandom) {
    this.host = host
    this.log = log
    this.#oracle = oracle
    this.#random = random
  }

  get life(): WrittenLife {
    if (this.#open === undefined) throw new Error(`${this.log}: is not open`)
    return this.#open.life
  }

  /** Makes the file, or takes the empty one that a rotation made. What was written before is another life. */
  async begin(path: string): Promise<WrittenLife> {
    await this.close('rotated')
    const handle = await open(path, 'a', 0o644)
    const life = await this.#oracle.begin(this.host, this.log, path)
    this.#open = { handle, life }
    return life
  }

  /** Some lines at once, as programs flush. Gives their bytes. */
  async append(): Promise<number> {
    const { handle, life } = this.#opened()
    const random = this.#random
    // Now and then more than one segment takes.
    const lines = random.chance(0.01) ? random.int(2_000, 8_000) : random.int(1, 60)
    let text = ''
    for (let at = 0; at < lines; at++) {
      const length = random.chance(0.02) ? random.int(1_000, 9_000) : random.int(0, 200)
      const line = buildLine(
        `${this.host}/${this.log}`,
        this.#oracle.numberLine(`${this.host}/${this.log}`),
        filler.slice(0, length),
      )
      this.#oracle.noteLine(`${this.host}/${this.log}`, line.length)
      text += line
    }
    await appendWhole(handle, text)
    await this.#oracle.appended(life, text)
    return text.length
  }

  /** Cuts the file to nothing while it is open, as copytruncate does. Another life begins in it. */
  async truncate(end: string): Promise<WrittenLife> {
    const { handle, life } = this.#opened()
    await handle.truncate(0)
    life.end = end
    const next = await this.#oracle.begin(this.host, this.log, life.path)
    this.#open = { handle, life: next }
    return next
  }

  async unlink(): Promise<void> {
    await rm(this.life.path)
  }

  async close(end: string): Promise<void> {
    if (this.#open === undefined) return
    const { handle, life } = this.#open
    life.end ??= end
    this.#open = undefined
    await handle.close()
  }

  #opened(): { handle: FileHandle; life: WrittenLife } {
    if (this.#open === undefined) throw new Error(`${this.log}: is not open`)
    return this.#open
  }
}

/** A write may be short. */
async function appendWhole(handle: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text, 'latin1')
  for (let done = 0; done < bytes.byteLength; )
    done += (await handle.write(bytes, done, bytes.byteLength - done)).bytesWritten
}
