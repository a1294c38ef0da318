import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { describeGap } from '../../bucket/stream-gaps.ts'
import type { ByteRange, Comparison } from '../../compactor/verify-against.ts'
import type { VerifiedDigests } from '../../compactor/verify-digests.ts'
import type { VerifiedStream } from '../../compactor/verify-stream.ts'
import type { Paint } from '../terminal/terminal.ts'
import { formatBytes, formatCount } from '../terminal/units.ts'

/** One JSON line. Quantities in bytes, names as they are. */
export function verifiedForMachine(verified: VerifiedStream): Record<string, unknown> {
  const { host, stream, origin, completeness, problem } = verified
  return {
    kind: 'stream',
    host,
    stream,
    name: origin?.path,
    verdict: verified.verdict,
    state: completeness.kind === 'unsealed' ? 'live' : completeness.kind,
    bytes: verified.bytes,
    segments: verified.segments,
    sealedSha256: completeness.kind === 'sealed' ? completeness.sha256 : undefined,
    sha256: verified.sha256,
    sealsEqual: verified.sealsEqual,
    differsAt: verified.differsAt,
    missing: completeness.kind === 'short' ? completeness.missing : undefined,
    gaps: verified.gaps,
    expiredBefore: verified.expiredBefore,
    strays: verified.strays,
    tampered: verified.tampered,
    tamperedKeys: verified.tamperedKeys.length > 0 ? verified.tamperedKeys : undefined,
    against: againstForMachine(verified.against),
    problem: problem ? { code: problem.code, message: problem.message, hint: problem.hint } : verified.sealProblem,
  }
}

/** `DIFFERS web-1 /var/log/syslog 20261120T…-1a2b: the content is not what its seal of 104,857,600 bytes says` */
export function verifiedForPeople(verified: VerifiedStream, paint: Paint): string {
  const { host, stream, origin, verdict } = verified
  const color = verdict === 'differs' ? paint.red : paint.yellow
  const name = origin === undefined ? '?' : pathForPeople(origin.path)
  return `${color(verdict.toUpperCase())} ${pathForPeople(host)} ${name} ${stream}: ${reasons(verified).join('; ')}`
}

/** What is wrong, a sentence each; empty where nothing is. */
export function reasons(verified: VerifiedStream): string[] {
  const { completeness, differsAt, expiredBefore, gaps, problem, sealProblem, tampered } = verified
  const lengths = differsAt.map(formatCount).join(', ')
  return [
    ...(differsAt.length > 0 ? [`the content is not what its seal of ${lengths} bytes says`] : []),
    ...(tampered === undefined ? [] : [tamperedText(verified, tampered)]),
    ...againstTexts(verified),
    ...(problem === undefined ? [] : [textForPeople(problem.message)]),
    ...(completeness.kind === 'short' ? [`${formatBytes(completeness.missing)} that its seal counts are missing`] : []),
    ...(sealProblem === undefined ? [] : [`a seal cannot be read: ${textForPeople(sealProblem)}`]),
    ...(expiredBefore === undefined ? [] : [`bytes before ${formatCount(expiredBefore)} expired or never came`]),
    ...gaps.map((gap) => `gap at ${formatCount(gap.offset)}: ${describeGap(gap, formatBytes)}`),
  ]
}

/** A delete marker counts as a version, too. */
function tamperedText({ tamperedKeys }: VerifiedStream, versions: number): string {
  const keys = tamperedKeys.map(pathForPeople).join(', ')
  return `written twice, or deleted: ${keys}: up to ${versions} versions, the oldest counts`
}

/** One comparison is an object, as where one directory is named; several are a list, each with its place. */
function againstForMachine(against: readonly Comparison[]): unknown {
  if (against.length > 1) return against
  const [only] = against
  if (only === undefined) return undefined
  const { place, ...rest } = only
  return rest
}

function againstTexts({ against, bytes }: VerifiedStream): string[] {
  const isOne = new Set(against.map(({ place }) => place)).size < 2
  return against.flatMap((one) =>
    comparisonTexts(one, bytes).map((text) => (isOne ? text : `${placeText(one)} ${text}`)),
  )
}

function placeText({ place }: Comparison): string {
  return `[${pathForPeople(place)}]`
}

function comparisonTexts(one: Comparison, bytes: number): string[] {
  const { name, differs, missingHere, missingThere, broken, tamperedKeys = [] } = one
  const rangeText = ({ start, end }: ByteRange): string => `bytes ${formatCount(start)} to ${formatCount(end)}`
  const place = name === undefined ? 'there' : pathForPeople(name)
  const how = broken === undefined ? 'differ' : `cannot be decoded (${textForPeople(broken)})`
  return [
    ...tamperedKeys.map((key) => `${pathForPeople(key)}: written twice, or deleted; the oldest version counts`),
    ...(differs === undefined ? [] : [`${place}: ${rangeText(differs)} ${how}`]),
    ...(missingThere === undefined
      ? []
      : [name === undefined ? `not there (${formatBytes(bytes)})` : `${place}: lacks ${rangeText(missingThere)}`]),
    ...(missingHere === undefined ? [] : [`the bucket lacks ${rangeText(missingHere)}, which are in ${place}`]),
  ]
}

/** Digests that are not as their agent left them; silent hours are said, and are nobody's fault. */
export function digestsForPeople(verified: VerifiedDigests, paint: Paint): string[] {
  const { host, broken, moreBroken, silent, moreSilentHours } = verified
  const name = pathForPeople(host)
  const why = { unreadable: 'cannot be read', 'other predecessor': 'names another one before it' }
  return [
    ...broken.map(({ hour, agent, why: what }) => {
      const text = what === 'predecessor missing' ? 'names one before it that is not there' : why[what]
      return `${paint.red('DIFFERS')} ${name} digest ${hour}-${agent}: ${text}`
    }),
    ...silent.map(({ from, to, hours }) => {
      const when = hours === 1 ? from : `${from} to ${to}, ${formatCount(hours)} hours`
      return `${paint.dim('silent')}  ${name} ${when}: no digest; off, away, or not delivered`
    }),
    ...(moreBroken > 0 ? [`${paint.red('DIFFERS')} ${name}: ${formatCount(moreBroken)} more digests`] : []),
    ...(moreSilentHours > 0 ? [`${paint.dim('silent')}  ${name}: ${formatCount(moreSilentHours)} more hours`] : []),
  ]
}
