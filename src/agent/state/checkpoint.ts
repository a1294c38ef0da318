import { join } from 'node:path'
import { type Disk, localDisk } from '../../base/disk.ts'
import type { Delivery, Life } from '../life.ts'
import { newDelivery, newLife } from '../life.ts'
import { withGoingOn } from './forgotten-keys.ts'
import { type EncodedLine, encodeLine, LineLog } from './line-log.ts'

/**
 * The agent's local record of where it is: a cache, since the bucket is the truth (I3). A log of lines (line-log.ts), the
 * last one of a life counts.
 */
export interface Checkpoint {
  load(destinations: readonly string[]): Promise<Life[]>
  /** Writes what changed; `all` is there for a rewrite. Durable when it resolves. */
  save(changed: Iterable<Life>, forgotten: Iterable<string>, all: Iterable<Life>): Promise<void>
  close(): Promise<void>
}

/** Of a life in the checkpoint: several lives of one identity are told apart by where they begin. */
export function lifeKey(life: Pick<Life, 'identity' | 'firstGeneration' | 'ended'>): string {
  return `${life.identity}+${life.firstGeneration}${life.ended ? 'e' : ''}`
}

export class FileCheckpoint implements Checkpoint {
  readonly #log: LineLog
  /** Key → the hash that the life's last line carries: what has not changed is not written again. */
  readonly #written = new Map<string, string>()

  constructor(directory: string, disk: Disk = localDisk) {
    this.#log = new LineLog(join(directory, 'checkpoint.jsonl'), disk)
  }

  /**
   * Nothing where there is none. Rejects with `invalid` for one of another version; lines that do not hold together are
   * left out, and the buckets say the rest.
   */
  async load(destinations: readonly string[]): Promise<Life[]> {
    const records = new Map<string, LifeRecord>()
    for (const { key, life } of await this.#log.read<Line>()) {
      if (life) records.set(key, life)
      else records.delete(key)
    }
    return [...records.values()].map((record) => restoreLife(record, destinations))
  }

  async save(changed: Iterable<Life>, forgotten: Iterable<string>, all: Iterable<Life>): Promise<void> {
    const added: EncodedLine[] = []
    for (const key of withGoingOn(forgotten, () => new Set([...all].map(lifeKey)))) {
      if (this.#written.delete(key)) added.push(encodeLine({ key }))
    }
    // Ended ones first: the line of the life while it went on would bring it back, and its key may be another's by now.
    for (const life of [...changed].sort((a, b) => Number(b.ended !== undefined) - Number(a.ended !== undefined))) {
      const before = lifeKey({ ...life, ended: undefined })
      if (life.ended && !this.#written.has(lifeKey(life)) && this.#written.delete(before))
        added.push(encodeLine({ key: before }))
      const line = lineOf(life)
      if (this.#written.get(lifeKey(life)) === line.check) continue
      this.#written.set(lifeKey(life), line.check)
      added.push(line)
    }
    if (added.length === 0) return
    try {
      await this.#log.write(added, this.#written.size, () => this.#linesOf(all))
    } catch (error) {
      this.#written.clear()
      throw error
    }
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  *#linesOf(all: Iterable<Life>): Iterable<EncodedLine> {
    this.#written.clear()
    for (const life of all) {
      const line = lineOf(life)
      this.#written.set(lifeKey(life), line.check)
      yield line
    }
  }
}

function lineOf(life: Life): EncodedLine {
  return encodeLine({ key: lifeKey(life), life: recordOf(life) })
}

interface Line {
  key: string
  /** None: it is forgotten. */
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

/** The checkpoint of a run that keeps none. */
export const noCheckpoint: Checkpoint = {
  load: () => Promise.resolve([]),
  save: () => Promise.resolve(),
  close: () => Promise.resolve(),
}
