import { createHash } from 'node:crypto'
import { type AgentContext, compressedHoldMs } from '../context.ts'
import type { Courier } from '../courier.ts'
import { readRange } from '../files/files.ts'
import { isHeld, type Life } from '../life.ts'
import { agreesWith } from './agreement.ts'
import { type Candidate, candidatesOf } from './candidates.ts'
import type { Catalogue } from './catalogue.ts'
import type { Content } from './content.ts'
import { decodedOf, releaseDecoded } from './decoded.ts'
import { hashFile } from './generations.ts'
import { type CompressedSource, type CopyVerdict, isNamedAsCopy, judgeCompressed } from './rules.ts'

/** Of a file, in memory at once. */
const stretchBytes = 1024 * 1024
/** A file that still changes is not worth decoding. */
const quietMs = 2_000

/** Does a compressed file hold the rest of a stream that we know, or one that is delivered already? */
export async function judgePacked(
  context: AgentContext,
  courier: Courier,
  life: Life,
  content: Content,
  original: string,
): Promise<CopyVerdict> {
  const { isOneShot } = context.settings
  const now = context.clock.monotonic()
  const isSettled = isHeld(life, content.size, compressedHoldMs, now) || isOneShot
  const isQuiet = isHeld(life, content.size, quietMs, now) || isOneShot
  // A deleted file has no name any more, and what is called so now is another rotation.
  const hasOriginal = !life.isUnlinked && [...context.book.at(original)].some((one) => !isMissing(one))
  const packed = hasOriginal || !isQuiet ? undefined : await decodedOf(context, life)
  const unpacked = packed && { file: packed, size: packed.stat().size }
  const verdict = judgeCompressed({
    isComplete: unpacked !== undefined,
    decodedSize: unpacked?.size ?? 0,
    hasOriginal,
    isSettled,
    sources: unpacked ? await sourcesOf(context, courier, life, unpacked, original) : [],
  })
  if (verdict.kind === 'wait') context.lookAfter(life, compressedHoldMs / 30)
  else if (verdict.kind === 'own') await releaseDecoded(life)
  return verdict
}

/**
 * The descriptor is asked itself: a file that went under a name that no scan saw is looked at some time later only, and
 * what was made of it would be taken for a file like any other meanwhile.
 */
function isMissing(life: Life): boolean {
  if (life.ended || life.isUnlinked) return true
  return life.file === undefined ? !life.isMet : life.file.stat().links === 0
}

async function sourcesOf(
  context: AgentContext,
  courier: Courier,
  life: Life,
  unpacked: Content,
  original: string,
): Promise<CompressedSource[]> {
  const digest = await hashFile(unpacked)
  // A stream whose file is here is none that a compressed file continues; one that is delivered is found by its seal.
  const missing = [...context.book.all()].filter(isMissing)
  const catalogue = await courier.catalogue()
  const sealed = [
    ...catalogue.streamsSealedAs({ length: unpacked.size, sha256: digest }),
    ...(await sealedBeginnings(catalogue, unpacked)),
  ]
  const candidates = await candidatesOf(context, courier, life, missing, sealed)
  const sources: CompressedSource[] = []
  for (const candidate of candidates) {
    const source = await compressedSource(context, courier, unpacked, digest, candidate, original)
    if (source) sources.push(source)
  }
  return sources
}

/** Streams with a seal of a beginning of this content: their files grew after it, and may be what was compressed. */
async function sealedBeginnings(catalogue: Catalogue, { file, size }: Content): Promise<string[]> {
  const hash = createHash('sha256')
  const streams: string[] = []
  let at = 0
  for (const seal of [...catalogue.sealsBelow(size)].sort((a, b) => a.length - b.length)) {
    while (at < seal.length) {
      const bytes = await readRange(file, at, Math.min(seal.length, at + stretchBytes))
      if (bytes.byteLength === 0) return streams
      hash.update(bytes)
      at += bytes.byteLength
    }
    if (hash.copy().digest('hex') === seal.sha256) streams.push(seal.stream)
  }
  return streams
}

async function compressedSource(
  context: AgentContext,
  courier: Courier,
  unpacked: Content,
  digest: string,
  candidate: Candidate,
  original: string,
): Promise<CompressedSource | undefined> {
  const catalogue = await courier.catalogue()
  const seals = catalogue.seals(candidate.stream)
  const isDelivered = seals.some((seal) => seal.length === unpacked.size && seal.sha256 === digest)
  const agreement = isDelivered ? { length: unpacked.size } : await agreesWith(context, courier, unpacked, candidate)
  if (agreement === undefined || agreement === 'unknown' || agreement.length > unpacked.size) return undefined
  const { life } = candidate
  return {
    stream: candidate.stream,
    length: agreement.length,
    isMissing: life === undefined || isMissing(life),
    // A chain that is longer than its seal is unsealed.
    isSealed: seals.some((seal) => seal.length >= agreement.length),
    // Where the state was lost, only its first name is known.
    isNamed: candidate.path === original || isNamedAsCopy(original, candidate.path),
    isDelivered,
  }
}
