import { join } from 'node:path'
import { type Disk, localDisk } from '../../base/disk.ts'
import { type EncodedLine, encodeLine, LineLog } from '../state/line-log.ts'
import type { WholeFile } from './whole-file.ts'

/**
 * What is known of files that are delivered whole: a cache (I3), so that after a restart no store is asked for what it has.
 * A log of lines (state/line-log.ts), the last of a file counts.
 */
export interface WholeRecord {
  identity: string
  path: string
  firstPath: string
  source: string
  stamp: string
  size: number
  modifiedMs: number
  isOverByName: boolean
  content?: { length: number; sha256: string; stamp: string } | undefined
  deliveries: Record<string, { key: string; length: number; sha256: string }>
}

export function recordOf(file: WholeFile): WholeRecord {
  const { identity, path, firstPath, source, stamp, size, modifiedMs, isOverByName, content } = file
  const deliveries = Object.fromEntries(
    [...file.deliveries].map(([name, { key, length, sha256 }]) => [name, { key, length, sha256 }]),
  )
  return { identity, path, firstPath, source, stamp, size, modifiedMs, isOverByName, content, deliveries }
}

export class WholeRecords {
  readonly #log: LineLog
  #known = 0

  constructor(directory: string, disk: Disk = localDisk) {
    this.#log = new LineLog(join(directory, 'wholes.jsonl'), disk)
  }

  /** Nothing where there is none; `invalid` for one of another version. */
  async load(): Promise<WholeRecord[]> {
    const records = new Map<string, WholeRecord>()
    for (const { identity, file } of await this.#log.read<Line>()) {
      if (file) records.set(identity, file)
      else records.delete(identity)
    }
    this.#known = records.size
    return [...records.values()]
  }

  /** Durable when it resolves; `all` is there for a rewrite. Rejects with `unavailable`: then the next save writes all. */
  async save(
    changed: readonly WholeFile[],
    forgotten: readonly string[],
    all: () => Iterable<WholeFile>,
  ): Promise<void> {
    if (changed.length + forgotten.length === 0) return
    const added = [...forgotten.map((identity) => encodeLine({ identity })), ...changed.map(lineOf)]
    await this.#log.write(added, this.#known, () => {
      const lines = [...all()].map(lineOf)
      this.#known = lines.length
      return lines
    })
  }

  close(): Promise<void> {
    return this.#log.close()
  }
}

interface Line {
  identity: string
  /** None: it is forgotten. */
  file?: WholeRecord
}

function lineOf(file: WholeFile): EncodedLine {
  return encodeLine({ identity: file.identity, file: recordOf(file) })
}
