import { LogcaskError } from '../../base/errors.ts'
import type { OpenFile } from '../files/files.ts'
import type { SpoolEntry, SpoolFiles } from '../spool/spool-files.ts'
import { bytesOf, planSpool } from '../spool/spool-plan.ts'
import type { WholeFile } from './whole-file.ts'
import { recordOf, type WholeRecord } from './whole-records.ts'

/** Of a file that goes whole. Its key is the file's identity. */
export interface WholeSpoolRecord extends SpoolEntry {
  whole: WholeRecord
}

/**
 * The rescue spool of files that go whole: all of each that lost its last name before every destination had it. It
 * outlives the part of the agent that a reload makes anew.
 */
export class WholeSpool {
  readonly #files: SpoolFiles<WholeSpoolRecord>
  readonly #room: () => number
  readonly #records = new Map<string, WholeSpoolRecord>()

  /** `room`: bytes that may be added. */
  constructor(files: SpoolFiles<WholeSpoolRecord>, room: () => number) {
    this.#files = files
    this.#room = room
  }

  get bytes(): number {
    let sum = 0
    for (const record of this.#records.values()) sum += bytesOf(record)
    return sum
  }

  async read(onProblem: (path: string, why: string) => void): Promise<WholeSpoolRecord[]> {
    const records = await this.#files.read(onProblem)
    this.#records.clear()
    for (const record of records) this.#records.set(record.key, record)
    return records
  }

  open(record: WholeSpoolRecord): Promise<OpenFile> {
    return this.#files.open(record, record.key)
  }

  /** Durable when it resolves. Rejects with `refused` where there is no room for all of it. */
  async keep(
    whole: WholeFile,
    file: OpenFile,
    to: readonly string[],
    writer: 'none' | 'some' | 'unknown',
  ): Promise<void> {
    const { size } = file.stat()
    const before = this.#records.get(whole.identity)
    const plan = planSpool({ size, acked: [0], kept: before, room: this.#room() })
    const isOver = writer === 'none' || (writer === 'unknown' && whole.completion.kind === 'complete')
    const end = plan.kind === 'keep' ? plan.end : (before?.end ?? 0)
    const record: WholeSpoolRecord = {
      v: 1,
      key: whole.identity,
      whole: recordOf(whole),
      to: [...to],
      from: 0,
      end,
      seen: size,
      isOver: isOver && end === size,
    }
    if (plan.kind === 'keep' || (size === 0 && before === undefined))
      await this.#files.write(record, end === 0 ? 0 : startOf(plan), file)
    else if (before !== undefined && JSON.stringify(before) !== JSON.stringify(record)) await this.#files.note(record)
    if (plan.kind !== 'full' || before !== undefined) this.#records.set(record.key, record)
    if (plan.kind === 'full')
      throw new LogcaskError('refused', `is full: ${plan.missing} bytes of it are lost when this process ends`, {
        hint: 'mend the destinations before anything is restarted (logcask status), or give it more: spool: 4GiB',
      })
  }

  async remove(identity: string): Promise<void> {
    if (this.#records.delete(identity)) await this.#files.remove(identity)
  }
}

function startOf(plan: ReturnType<typeof planSpool>): number {
  return plan.kind === 'keep' ? plan.start : 0
}
