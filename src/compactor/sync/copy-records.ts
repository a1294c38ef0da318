import { isCode, type LogcaskError } from '../../base/errors.ts'
import { decodeAlias } from '../../format/alias.ts'
import { decodeGap } from '../../format/gap.ts'
import { recordBytesMax } from '../../format/limits.ts'
import { corrupt } from '../../format/record.ts'
import { decodeSeal } from '../../format/seal.ts'
import { createInTarget, type SyncContext } from './create-in-target.ts'
import type { MissingRecord } from './sync-plan.ts'

export interface RecordsCopied {
  records: number
  /** They say more than the target has, and wait until it does. */
  heldBack: number
  /** That no agent wrote, or a later one. */
  problems: LogcaskError[]
}

const decoders = { seal: decodeSeal, gap: decodeGap, alias: decodeAlias }

/**
 * Creates in the target what the source says of a stream of which the target has `length` bytes, and (`isAll`) no fewer
 * than the source.
 */
export async function copyRecords(
  context: SyncContext,
  host: string,
  missing: readonly MissingRecord[],
  has: { length: number; isAll: boolean },
): Promise<RecordsCopied> {
  const done: RecordsCopied = { records: 0, heldBack: 0, problems: [] }
  for (const record of missing) {
    if (record.kind === 'alias' ? !has.isAll : record.needs > has.length) done.heldBack++
    else if (context.isDryRun) done.records++
    else {
      try {
        if (await copyRecord(context, host, record)) done.records++
      } catch (error) {
        if (!isCode(error, 'corrupt')) throw error
        done.problems.push(error)
      }
    }
  }
  return done
}

/** As it is. False where it was there by now, or is gone from the source (an expiry): neither is a loss. */
async function copyRecord(context: SyncContext, host: string, { kind, key }: MissingRecord): Promise<boolean> {
  const { source, signal } = context
  const got = await source.get(key, { range: { start: 0, end: recordBytesMax + 1 }, signal })
  if (got === undefined) return false
  if (got.size > recordBytesMax) throw corrupt(key, `is larger than ${recordBytesMax} bytes`)
  decoders[kind](got.body, key)
  return (await createInTarget(context, host, key, got.body, got.metadata)) === 'created'
}
