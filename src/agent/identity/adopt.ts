import type { AgentContext } from '../context.ts'
import type { Courier } from '../courier.ts'
import type { Life } from '../life.ts'
import { agreesWith, agreesWithFile } from './agreement.ts'
import { type Candidate, candidatesOf, isCopyOf } from './candidates.ts'
import type { Content } from './content.ts'
import { agreementBytes, type CopyVerdict } from './rules.ts'

export interface AdoptSource {
  stream: string
  /** Bytes of the stream; every segment of it matches the file, over the shorter of the two (E4). */
  length: number
  /** Bytes of the file. */
  size: number
  samePath: boolean
  sameMachine: boolean
  isMissing: boolean
}

/** Does this file hold a stream whose file was moved across file systems, restored, or (`isTold`) copied to where it is? */
export function judgeAdopted(sources: readonly AdoptSource[], isTold: boolean): CopyVerdict {
  const source = sources
    .filter((one) => one.sameMachine && one.isMissing && (isTold ? isEvident(one) : isRestored(one)))
    .sort((a, b) => b.length - a.length)[0]
  return source ? { kind: 'copy', stream: source.stream, endsSource: false } : { kind: 'own' }
}

function isRestored({ samePath, length, size }: AdoptSource): boolean {
  return samePath && length <= size && length >= agreementBytes
}

/** Somebody said that it is a copy: less is enough, but never what files that begin alike have in common. */
function isEvident({ samePath, length, size }: AdoptSource): boolean {
  return Math.min(length, size) >= toldAgreementBytes || length === size || (samePath && length > 0 && length < size)
}

/** As for a compressed file that is named after its original. */
const toldAgreementBytes = 4096

/** Streams that a file without their identity may hold: it was moved, restored, or copied to where it is. */
export async function adoptSources(
  context: AgentContext,
  courier: Courier,
  life: Life,
  content: Content,
  candidates: readonly Candidate[],
): Promise<AdoptSource[]> {
  const { settings } = context
  const isTold = settings.isToldToAdopt === true
  const asked = isTold ? await allCandidates(context, courier, life) : candidates
  const sources: AdoptSource[] = []
  for (const candidate of asked) {
    const isMissing = !candidate.isFileHere && candidate.life?.ended?.reason !== 'truncated'
    const isNamed = candidate.path === life.path || (isTold && isCopyOf(context, life, candidate))
    if (!isMissing || !isNamed || candidate.machine !== settings.machine) continue
    const agreement = await agreesWith(context, courier, content, candidate)
    if (agreement === undefined || agreement === 'unknown') continue
    const whole = await wholeOf(candidate, content, agreement)
    if (whole === undefined) continue
    sources.push({
      stream: candidate.stream,
      length: whole.length,
      size: content.size,
      samePath: candidate.path === life.path,
      sameMachine: isTold || candidate.machine !== undefined,
      isMissing,
    })
  }
  return sources
}

/**
 * What it held to its end, where that is still here to be read: how much of it is delivered by now is chance, and two agents
 * that find the same files decide the same.
 */
async function wholeOf(
  { life }: Candidate,
  content: Content,
  shipped: { length: number },
): Promise<{ length: number } | undefined> {
  if (life?.file === undefined || life.ended) return shipped
  const { size } = life.file.stat()
  const isEqual = (await agreesWithFile(content, { file: life.file, size })) !== undefined
  return isEqual ? { length: Math.max(size, shipped.length) } : undefined
}

/** Of a copied tree every stream counts, sealed or not: its origin is asked for once, one request each. */
async function allCandidates(context: AgentContext, courier: Courier, life: Life): Promise<Candidate[]> {
  const catalogue = await courier.catalogue()
  return candidatesOf(context, courier, life, [], [...catalogue.streams()])
}
