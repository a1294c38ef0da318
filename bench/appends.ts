import { appendFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf, parseKey } from '../src/format/keys.ts'
import { until } from './agent-process.ts'
import type { Arrival } from './start-sink.ts'

/** What of segments has arrived in a store. */
export class SegmentArrivals {
  bytes = 0
  readonly #ends = new Map<string, { end: number; atNs: bigint }[]>()

  note({ path, size, atNs }: Arrival): void {
    const key = parseKey(path.replace('/bench/ours/', ''))
    if (key?.kind !== 'segment') return
    this.bytes += size
    this.#ends.set(key.stream, [...(this.#ends.get(key.stream) ?? []), { end: key.offset + size, atNs }])
  }

  /** When the stream's bytes up to `end` were there. */
  at(stream: string, end: number): bigint | undefined {
    return this.#ends.get(stream)?.find((arrival) => arrival.end >= end)?.atNs
  }
}

/**
 * Appends to some files of a watched directory at any moment: milliseconds from the end of each write until a store has
 * it, for each store.
 */
export async function measureAppends(
  logs: string,
  stores: readonly SegmentArrivals[],
  { files: count, appendsPerFile, pauseMs }: { files: number; appendsPerFile: number; pauseMs: number },
): Promise<number[]> {
  const files = await Promise.all(Array.from({ length: count }, (_, at) => createLog(join(logs, `${at}.log`))))
  await until('the first lines', () => stores.every((store) => files.every(({ stream }) => store.at(stream, 1))))
  const appends: { stream: string; end: number; atNs: bigint }[] = []
  for (let round = 0; round < appendsPerFile; round++) {
    for (const file of files) {
      const line = `line ${round} of ${file.path}\n`
      await appendFile(file.path, line)
      file.size += Buffer.byteLength(line)
      appends.push({ stream: file.stream, end: file.size, atNs: process.hrtime.bigint() })
      // Not in step with anything that the agent does.
      await sleep(Math.random() * pauseMs)
    }
  }
  await until('the last line', () => stores.every((store) => appends.every(({ stream, end }) => store.at(stream, end))))
  return stores.flatMap((store) =>
    appends.map(({ stream, end, atNs }) => Number((store.at(stream, end) ?? 0n) - atNs) / 1e6),
  )
}

async function createLog(path: string): Promise<{ path: string; stream: string; size: number }> {
  const line = 'first line\n'
  await writeFile(path, line)
  const { birthtimeNs, ino } = await stat(path, { bigint: true })
  return { path, stream: identityOf(birthtimeNs, ino), size: line.length }
}
