import { copyFile, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { DeliveryWatch } from './delivery.ts'
import type { LogFile } from './log-file.ts'
import { identify, type WrittenLife } from './oracle.ts'
import type { Note } from './timeline.ts'

/**
 * How programs and logrotate put a log aside:
 * - `rename`       app.log → app.log.1, and every older one a number up; the writer goes on in the old file for a while
 * - `dated`        app.log → app.log-<number>, once and for all
 * - `copytruncate` copied to app.log.1, then cut to nothing
 * - `compress`     app.log.<n> → .gz or .zst, written slowly, then the original goes
 * - `recreate`     deleted once it is delivered, and made anew
 * - `replace`      another file is renamed over it once it is delivered
 * - `empty`        cut to nothing once it is delivered
 * - `expire`       the oldest is deleted once it is delivered
 */
export type RotationKind =
  | 'rename'
  | 'dated'
  | 'copytruncate'
  | 'compress'
  | 'recreate'
  | 'replace'
  | 'empty'
  | 'expire'

/**
 * A log is rotated in one way or the other, as logrotate's configuration has it. (Cut, and then renamed before the copy
 * was judged: its name no longer tells whose copy it is. DESIGN.md section 4, *Copy*.)
 */
export const schemes = {
  renamed: ['rename', 'rename', 'rename', 'compress', 'compress', 'dated', 'recreate', 'replace', 'expire'],
  copied: ['copytruncate', 'copytruncate', 'copytruncate', 'compress', 'empty', 'expire'],
} as const satisfies Record<string, readonly RotationKind[]>
export type Scheme = keyof typeof schemes

/** How long a writer waits for a delivery before it does something else: an outage is shorter. */
const patienceMs = 12_000
/** Of a stream that is compressed before all of it was delivered: DESIGN.md section 4, *Compressed*. */
const recognizedBytes = 64 * 1024

interface Kept {
  life: WrittenLife
  ending: '' | '.gz' | '.zst'
}

export interface RotationPlace {
  file: LogFile
  path: string
  scheme: Scheme
  watch: DeliveryWatch
  random: SeededRandom
  signal: AbortSignal
  note: Note
}

/** The files of one log: the one that is written, and those put aside. */
export class Rotations {
  readonly counts = new Map<RotationKind, number>()
  readonly #place: RotationPlace
  /** app.log.1 first. */
  #kept: Kept[] = []
  #dated = 0

  constructor(place: RotationPlace) {
    this.#place = place
  }

  async rotate(): Promise<void> {
    const { random, note, path } = this.#place
    const kind = random.pick<RotationKind>(schemes[this.#place.scheme])
    note(`${path}: ${kind}`)
    const isDone = await this.#act(kind)
    note(`${path}: ${kind} ${isDone ? 'done' : 'not possible now'}`)
    if (isDone) this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }

  #act(kind: RotationKind): Promise<boolean> {
    if (kind === 'rename') return this.#rename()
    if (kind === 'dated') return this.#rename(`-${String(++this.#dated).padStart(4, '0')}`)
    if (kind === 'copytruncate') return this.#copyTruncate()
    if (kind === 'compress') return this.#compress()
    if (kind === 'recreate') return this.#recreate()
    if (kind === 'replace') return this.#replace()
    if (kind === 'empty') return this.#empty()
    return this.#expire()
  }

  async #rename(ending?: string): Promise<boolean> {
    const { file, path, random } = this.#place
    if (ending === undefined) await this.#shift()
    await rename(path, `${path}${ending ?? '.1'}`)
    const { life } = file
    // `create`: the next file is there before the program has heard of the rotation.
    const isCreated = random.chance(0.5)
    if (isCreated) await writeFile(path, '', { flag: 'wx' })
    for (let more = random.int(0, 3); more > 0; more--) {
      await file.append()
      await sleep(random.int(0, 60))
    }
    await file.begin(path)
    if (ending === undefined) this.#kept.unshift({ life, ending: '' })
    if (random.chance(0.3)) await this.#compress(0)
    return true
  }

  /** `nodelaycompress` is compress right after the rename; here also long after. */
  async #compress(at?: number): Promise<boolean> {
    const { path, random, watch, signal } = this.#place
    const plain = this.#kept.map((_, index) => index).filter((index) => this.#kept[index]?.ending === '')
    const index = at ?? (plain.length === 0 ? undefined : random.pick(plain))
    const kept = index === undefined ? undefined : this.#kept[index]
    if (index === undefined || kept === undefined || kept.ending !== '') return false
    // Less could be of any file: then all of it must be there before the original goes.
    const needed = Math.min(kept.life.bytes, recognizedBytes)
    if (!(await watch.until(kept.life, needed, patienceMs, signal))) return false
    const from = `${path}.${index + 1}`
    const ending = random.chance(0.7) ? '.gz' : '.zst'
    const content = await readFile(from)
    await writeSlowly(`${from}${ending}`, ending === '.gz' ? gzipSync(content) : zstdCompressSync(content), random)
    await rm(from)
    kept.ending = ending
    return true
  }

  async #copyTruncate(): Promise<boolean> {
    const { file, path, random } = this.#place
    const { life } = file
    await this.#shift()
    // Nothing is appended between copy and cut: what is lost then, no shipper can save (README, "limits").
    await copyFile(path, `${path}.1`)
    life.copyIdentity = await identify(`${path}.1`)
    await file.truncate('copytruncate')
    this.#kept.unshift({ life, ending: '' })
    await sleep(random.int(0, 2_000))
    return true
  }

  async #empty(): Promise<boolean> {
    const { file, watch, signal } = this.#place
    if (!(await watch.until(file.life, file.life.bytes, patienceMs, signal))) return false
    await file.truncate('emptied')
    return true
  }

  async #recreate(): Promise<boolean> {
    const { file, path, watch, signal } = this.#place
    if (!(await watch.until(file.life, file.life.bytes, patienceMs, signal))) return false
    await file.unlink()
    await file.begin(path)
    return true
  }

  async #replace(): Promise<boolean> {
    const { file, path, watch, signal } = this.#place
    if (!(await watch.until(file.life, file.life.bytes, patienceMs, signal))) return false
    // A name that is no log's: the agent meets it as what it becomes.
    const next = join(dirname(path), `${file.log.replace(/\.log$/, '')}.new`)
    const life = await file.begin(next)
    await file.append()
    await rename(next, path)
    life.path = path
    return true
  }

  async #expire(): Promise<boolean> {
    const { path, watch, signal } = this.#place
    const last = this.#kept.at(-1)
    if (last === undefined || this.#kept.length < 2) return false
    if (!(await watch.until(last.life, last.life.bytes, patienceMs, signal))) return false
    await rm(`${path}.${this.#kept.length}${last.ending}`)
    this.#kept.pop()
    return true
  }

  async #shift(): Promise<void> {
    const { path } = this.#place
    for (const [index, { ending }] of [...this.#kept.entries()].reverse())
      await rename(`${path}.${index + 1}${ending}`, `${path}.${index + 2}${ending}`)
  }
}

/** As gzip does it: the file is there, grows, and is complete a while later. */
async function writeSlowly(path: string, bytes: Uint8Array, random: SeededRandom): Promise<void> {
  const handle = await open(path, 'wx')
  const pieces = random.int(1, 3)
  for (let piece = 0; piece < pieces; piece++) {
    const from = Math.floor((bytes.byteLength * piece) / pieces)
    const to = Math.floor((bytes.byteLength * (piece + 1)) / pieces)
    await handle.write(bytes.subarray(from, to))
    await sleep(random.int(0, 150))
  }
  await handle.close()
}
