import { isCode, messageWithHint } from '../base/errors.ts'
import type { Origin } from '../format/origin.ts'
import type { Bucket } from './bucket.ts'
import { type OpenGap, readOpenGaps } from './stream-gaps.ts'
import { readHeader, type StreamHeader } from './stream-header.ts'
import type { ListedStream } from './stream-inventory.ts'
import { longestRun } from './stream-runs.ts'
import { countSeals } from './stream-seals.ts'
import { type Completeness, completeness } from './stream-state.ts'
import { surveyChain } from './stream-survey.ts'

/** A stream as a table shows it. */
export interface StreamRow {
  stream: string
  /** Undefined where nothing that can be read names it. */
  origin: Origin | undefined
  /** Of the chain. */
  bytes: number
  segments: number
  storedAtMs: number | undefined
  completeness: Completeness
  gaps: readonly OpenGap[]
  aliases: readonly string[]
  /** Segments that are on no chain. */
  strays: number
  /** The most versions that one of its keys has, where that is more than one. */
  tampered: number | undefined
  /** Where its first byte is, when those before are gone. */
  expiredBefore: number | undefined
  problem: string | undefined
}

/** Told from names and a few small requests (stream-survey.ts); a record that cannot be read is `problem`. */
export async function surveyStream(
  bucket: Bucket,
  host: string,
  listed: ListedStream,
  signal: AbortSignal | undefined,
): Promise<StreamRow> {
  const { stream, segments } = listed
  let header: StreamHeader | undefined
  let problem: string | undefined
  try {
    header = await readHeader(bucket, host, stream, { seals: listed.seals, signal })
  } catch (error) {
    if (!isCode(error, 'corrupt')) throw error
    problem = messageWithHint(error)
  }
  const withFinal = <T>(seals: readonly T[]) => (header?.final ? [...seals, header.final] : seals)
  const isVouched = (length: number): boolean => withFinal(listed.seals).some((seal) => seal.length === length)
  const chain = await surveyChain(bucket, segments, { isVouched, signal })
  const last = chain.at(-1)
  const run = chain.length === 0 ? longestRun(segments) : undefined
  const end = run ? run.start.offset + run.bytes : (last?.offset ?? 0) + (last?.length ?? 0)
  const counted = await countSeals(bucket, listed.seals, end, { signal })
  if (counted.problem !== undefined) problem ??= messageWithHint(counted.problem)
  const seals = withFinal(counted.seals)
  const versions = segments.all.reduce((most, segment) => Math.max(most, segment.versions), 1)
  const stored = [...segments.all, ...listed.seals].reduce((latest, { storedAtMs }) => Math.max(latest, storedAtMs), 0)
  return {
    stream,
    origin: header?.origin,
    bytes: run?.bytes ?? end,
    segments: chain.length,
    storedAtMs: stored === 0 ? undefined : stored,
    completeness: completeness(end, seals),
    gaps: await readOpenGaps(bucket, listed.gaps, end, seals, { signal }),
    aliases: listed.aliases,
    strays: run === undefined ? segments.all.length - chain.length : 0,
    tampered: versions > 1 ? versions : undefined,
    expiredBefore: run?.start.offset,
    problem,
  }
}
