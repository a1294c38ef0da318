import { createHash } from 'node:crypto'
import { LogcaskError } from '../../base/errors.ts'
import { listSegments, readChain } from '../../bucket/stream-listing.ts'
import { chainStart } from '../../format/chain.ts'
import type { SyncContext } from './create-in-target.ts'
import type { MissingRecord } from './sync-plan.ts'

/**
 * The seals among `missing` that are not true of the target: equal names and lengths do not vouch for the bytes of the last
 * segment (a file that was edited between its delivery to the one bucket and to the other). Reads the target's content up
 * to the longest of them.
 */
export async function falseSeals(
  { target, signal }: SyncContext,
  host: string,
  stream: string,
  missing: readonly MissingRecord[],
  length: number,
): Promise<{ keys: ReadonlySet<string>; problems: LogcaskError[] }> {
  const seals = missing.filter(({ kind, needs }) => kind === 'seal' && needs > 0 && needs <= length)
  if (seals.length === 0) return { keys: new Set(), problems: [] }
  const lengths = [...new Set(seals.map(({ needs }) => needs))].sort((a, b) => a - b)
  const hashes = await hashesAt(await listSegments(target, host, stream, { signal }), lengths)
  const wrong = seals.filter(({ key, needs }) => hashes.get(needs) !== key.slice(key.lastIndexOf('-') + 1))
  return {
    keys: new Set(wrong.map(({ key }) => key)),
    problems: wrong.map(
      ({ key }) =>
        new LogcaskError('corrupt', `${key}: is not true of the target, whose bytes are others`, {
          hint: 'it is not brought; logcask verify --against names the range that differs',
        }),
    ),
  }

  async function hashesAt(
    segments: Awaited<ReturnType<typeof listSegments>>,
    marks: readonly number[],
  ): Promise<Map<number, string>> {
    const hash = createHash('sha256')
    const found = new Map<number, string>()
    const left = [...marks]
    for await (const { bytes, end } of readChain(target, segments, { start: chainStart, signal })) {
      const began = end.offset - bytes.byteLength
      let at = began
      while (left[0] !== undefined && left[0] <= end.offset) {
        const mark = left.shift() as number
        hash.update(bytes.subarray(at - began, mark - began))
        at = mark
        found.set(mark, hash.copy().digest('hex'))
      }
      if (left.length === 0) break
      hash.update(bytes.subarray(at - began))
    }
    return found
  }
}
