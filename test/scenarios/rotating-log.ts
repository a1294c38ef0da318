import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { type ExpectedStream, type LogFile, wholeLife } from './log-file.ts'
import type { Room } from './room.ts'

export interface RotationOptions {
  name?: string
  how?: 'move' | 'copytruncate'
  /** `app.log.1`, `app.log.2`, … or `app-0001.log`, the highest being the newest. */
  naming?: 'sequential' | 'timestamped'
  /** Rotated files beyond it are deleted, the oldest first. */
  backups?: number
  /** gzip, at once or (as logrotate's delaycompress) one rotation later. */
  compress?: 'no' | 'now' | 'later'
}

/** A log, its writer, and what rotates it. Every life that it has had is in `lives`. */
export class RotatingLog {
  readonly #room: Room
  readonly #options: Required<RotationOptions>
  readonly #past: ExpectedStream[] = []
  #file: LogFile
  #rotations = 0

  constructor(room: Room, options: RotationOptions = {}) {
    this.#room = room
    const usual = { name: 'app.log', how: 'move', naming: 'sequential', backups: 100, compress: 'no' } as const
    this.#options = { ...usual, ...options }
    this.#file = room.create(this.#options.name)
  }

  /** The writer's descriptor. */
  get file(): LogFile {
    return this.#file
  }

  get lives(): ExpectedStream[] {
    return [...this.#past, this.#file]
  }

  /**
   * The file that is written has changed its name, or given its bytes to a copy; the next one is there, and empty.
   * `make` makes it, where it must be a certain one.
   */
  rotate(make = (name: string): LogFile => this.#room.create(name)): void {
    const { name, how, compress } = this.#options
    this.#rotations++
    const rotated = this.#freeName()
    if (compress === 'later' && existsSync(this.#path(`${name}.2`))) this.#compress(`${name}.2`)
    if (how === 'move') {
      renameSync(this.#path(name), this.#path(rotated))
      this.#deleteOldest()
      this.#past.push(this.#file)
      this.#file = make(name)
    } else {
      copyFileSync(this.#path(name), this.#path(rotated))
      this.#past.push(wholeLife(this.#file.truncate()))
    }
    if (compress === 'now') this.#compress(rotated)
    this.#deleteOldest()
  }

  #freeName(): string {
    const { name, naming } = this.#options
    if (naming === 'timestamped') return `${name.replace(/\.log$/, '')}-${String(this.#rotations).padStart(4, '0')}.log`
    for (const { base, at, ending } of this.#rotated().reverse())
      renameSync(this.#path(base), this.#path(`${name}.${at + 1}${ending}`))
    return `${name}.1`
  }

  /** The newest first. */
  #rotated(): { base: string; at: number; ending: string }[] {
    const { name, naming } = this.#options
    const stem = name.replace(/\.log$/, '')
    const pattern = naming === 'timestamped' ? /^-(\d+)\.log(\.gz)?$/ : /^\.log\.(\d+)(\.gz)?$/
    const found = readdirSync(this.#room.directory).flatMap((base) => {
      const match = base.startsWith(stem) ? pattern.exec(base.slice(stem.length)) : null
      return match ? [{ base, at: Number(match[1]), ending: match[2] ?? '' }] : []
    })
    return found.sort((a, b) => (naming === 'timestamped' ? b.at - a.at : a.at - b.at))
  }

  #compress(base: string): void {
    // As gzip does: the whole copy under its name, then the original goes.
    writeFileSync(this.#path(`${base}.gz`), gzipSync(readFileSync(this.#path(base))))
    unlinkSync(this.#path(base))
  }

  #deleteOldest(): void {
    for (const { base } of this.#rotated().slice(this.#options.backups)) unlinkSync(this.#path(base))
  }

  #path(base: string): string {
    return this.#room.path(base)
  }
}
