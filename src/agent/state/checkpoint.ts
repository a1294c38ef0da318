import { join } from 'node:path'
import { writeAtomically, writeFully } from '../../base/atomic-file.ts'
import { type Disk, type DiskFile, localDisk } from '../../base/disk.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { shortHash } from '../../base/hash.ts'
import type { Delivery, Life } from '../life.ts'
import { newDelivery, newLife } from '../life.ts'
import { withGoingOn } from './forgotten-keys.ts'

/**
 * The agent's local record of where it is: a cache, since the bucket is the truth (I3). A log of lines, the last one of a
 * life counts; each line carries its own hash, so that a torn end or a flipped bit costs that line only. Rewritten whole
 * when most of it is history.
 */
export interface Checkpoint {
  load(destinations: readonly string[]): Promise<Life[]>
  /** Writes what changed; `all` is there for a rewrite. Durable when it resolves. */
  save(changed: Iterable<Life>, forgotten: Iterable<string>, all: Iterable<Life>): Promise<void>
  close(): Promise<void>
}

const version = 1

/** Of a life in the checkpoint: several lives of one identity are told apart by where they begin. */
export function lifeKey(life: Pick<Life, 'identity' | 'firstGeneration' | 'ended'>): string {
  return `${life.identity}+${life.firstGeneration}${life.ended ? 'e' : ''}`
}

export class FileCheckpoint implements Checkpoint {
  readonly #path: string
  readonly #disk: Disk
  #handle: DiskFile | undefined
  #size = 0
  /** Key → the hash that the life's last line carries: what has not changed is not written again. */
  readonly #written = new Map<string, string>()

  constructor(directory: string, disk: Disk = localDisk) {
    this.#disk = disk
    this.#path = join(directory, 'checkpoint.jsonl')
  }

  /**
   * Nothing where there is none. Rejects with `invalid` for one of another version; lines that do not hold together are
   * left out, and the buckets say the rest.
   */
  async load(destinations: readonly string[]): Promise<Life[]> {
    const bytes = await this.#disk.readFile(this.#path).catch((error) => {
      if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0)
      throw new LogcaskError('unavailable', `cannot read ${this.#path}: ${messageOf(error)}`, { cause: error })
    })
    const records = new Map<string, LifeRecord>()
    for (const line of bytes.toString().split('\n')) {
      const record = decodeLine(line)
      if (record === undefined) continue
      if (record.v !== version) {
        throw new LogcaskError(
          'invalid',
          `${this.#path}: is of version ${record.v}, this logcask writes version ${version}`,
          { hint: 'use the logcask that wrote it, or move the state directory away: the buckets hold the truth' },
        )
      }
      if (record.life) records.set(record.key, record.life)
      else records.delete(record.key)
    }
    return [...records.values()].map((record) => restoreLife(record, destinations))
  }

  async save(changed: Iterable<Life>, forgotten: Iterable<string>, all: Iterable<Life>): Promise<void> {
    const added: string[] = []
    for (const key of withGoingOn(forgotten, () => new Set([...all].map(lifeKey)))) {
      if (this.#written.delete(key)) added.push(encodeLine({ v: version, key }).text)
    }
    // Ended ones first: the line of the life while it went on would bring it back, and its key may be another's by now.
    for (const life of [...changed].sort((a, b) => Number(b.ended !== undefined) - Number(a.ended !== undefined))) {
      const before = lifeKey({ ...life, ended: undefined })
      if (life.ended && !this.#written.has(lifeKey(life)) && this.#written.delete(before))
        added.push(encodeLine({ v: version, key: before }).text)
      const { text, check } = lineOf(life)
      if (this.#written.get(lifeKey(life)) === check) continue
      this.#written.set(lifeKey(life), check)
      added.push(text)
    }
    if (added.length === 0) return
    try {
      // A checkpoint that was not opened yet, or whose last write failed, is written anew.
      if (this.#handle === undefined || this.#size > rewriteFrom(this.#written.size)) await this.#rewrite(all)
      else await this.#append(Buffer.from(`${added.join('\n')}\n`))
    } catch (error) {
      await this.close()
      this.#written.clear()
      throw new LogcaskError('unavailable', `cannot write ${this.#path}: ${messageOf(error)}`, {
        cause: error,
        hint: 'free space for the state directory; delivery goes on without it',
      })
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (this.#handle === undefined) return
    await writeFully(this.#handle, bytes, this.#size)
    await this.#handle.datasync()
    this.#size += bytes.byteLength
  }

  async #rewrite(all: Iterable<Life>): Promise<void> {
    this.#written.clear()
    const lines: Buffer[] = []
    for (const life of all) {
      const { text, check } = lineOf(life)
      this.#written.set(lifeKey(life), check)
      lines.push(Buffer.from(`${text}\n`))
    }
    const bytes = Buffer.concat(lines)
    await writeAtomically(this.#path, bytes, 0o600, this.#disk)
    await this.close()
    this.#handle = await this.#disk.open(this.#path, 'r+')
    this.#size = bytes.byteLength
  }
}

/** Beyond this many bytes most of the file is history. A life takes about 1 KB. */
function rewriteFrom(lives: number): number {
  return 4096 * lives + (1 << 20)
}

function lineOf(life: Life): EncodedLine {
  return encodeLine({ v: version, key: lifeKey(life), life: recordOf(life) })
}

interface EncodedLine {
  text: string
  /** What the line begins with; a string of its own, so that keeping it does not keep the line. */
  check: string
}

interface Line {
  v: number
  key: string
  life?: LifeRecord
}

type DeliveryRecord = Pick<Delivery, 'acked' | 'confirmed' | 'hasGap' | 'hasAlias'> &
  Partial<Pick<Delivery, 'stream' | 'rollup' | 'forkOf' | 'sealed'>>
type LifeRecord = Pick<
  Life,
  | 'identity'
  | 'firstGeneration'
  | 'origin'
  | 'source'
  | 'path'
  | 'size'
  | 'seals'
  | 'isOwn'
  | 'ended'
  | 'copy'
  | 'stamp'
  | 'isUnspooled'
> & {
  deliveries: Record<string, DeliveryRecord>
}

function recordOf(life: Life): LifeRecord {
  const { identity, firstGeneration, origin, source, path, size, seals, isOwn, ended, copy, stamp, isUnspooled } = life
  const deliveries = Object.fromEntries(
    [...life.deliveries].map(([name, one]) => {
      const { stream, acked, rollup, confirmed, forkOf, hasGap, sealed, hasAlias } = one
      return [name, { stream, acked, rollup, confirmed, forkOf, hasGap, sealed, hasAlias }]
    }),
  )
  return {
    identity,
    firstGeneration,
    origin,
    source,
    path,
    size,
    seals,
    isOwn,
    ended,
    copy,
    stamp,
    isUnspooled,
    deliveries,
  }
}

function restoreLife(record: LifeRecord, destinations: readonly string[]): Life {
  const life = newLife({ ...record, destinations: [] })
  Object.assign(life, {
    size: record.size,
    seals: record.seals,
    isOwn: record.isOwn,
    ended: record.ended,
    copy: record.copy,
    stamp: record.stamp,
    isUnspooled: record.isUnspooled,
  })
  for (const [name, saved] of Object.entries(record.deliveries)) {
    if (!destinations.includes(name)) continue
    const delivery = newDelivery(name)
    // A rollup that is missing in the record is one that is not known.
    Object.assign(delivery, { rollup: undefined }, saved, { sent: saved.acked })
    // One object for what is one: ten thousand idle lives are kept in memory.
    if (saved.confirmed.offset === saved.acked.offset && saved.confirmed.window === saved.acked.window)
      delivery.confirmed = delivery.acked
    life.deliveries.set(name, delivery)
  }
  return life
}

function encodeLine(line: Line): EncodedLine {
  const text = JSON.stringify(line)
  const check = shortHash(Buffer.from(text))
  return { text: `${check} ${text}`, check }
}

function decodeLine(line: string): Line | undefined {
  const at = line.indexOf(' ')
  const text = line.slice(at + 1)
  if (at < 0 || shortHash(Buffer.from(text)) !== line.slice(0, at)) return undefined
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}

/** The checkpoint of a run that keeps none. */
export const noCheckpoint: Checkpoint = {
  load: () => Promise.resolve([]),
  save: () => Promise.resolve(),
  close: () => Promise.resolve(),
}
