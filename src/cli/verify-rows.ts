import { pathForPeople, textForPeople } from '../base/path-bytes.ts'
import { describeGap } from '../bucket/stream-gaps.ts'
import type { VerifiedStream } from '../compactor/verify-stream.ts'
import type { Paint } from './terminal.ts'
import { formatBytes, formatCount } from './units.ts'

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
    sha256: completeness.kind === 'sealed' ? completeness.sha256 : undefined,
    sealsEqual: verified.sealsEqual,
    differsAt: verified.differsAt,
    missing: completeness.kind === 'short' ? completeness.missing : undefined,
    gaps: verified.gaps,
    expiredBefore: verified.expiredBefore,
    strays: verified.strays,
    tampered: verified.tampered,
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

function reasons(verified: VerifiedStream): string[] {
  const { completeness, differsAt, expiredBefore, gaps, problem, sealProblem, tampered } = verified
  const lengths = differsAt.map(formatCount).join(', ')
  return [
    ...(differsAt.length > 0 ? [`the content is not what its seal of ${lengths} bytes says`] : []),
    ...(tampered === undefined ? [] : [`a key has ${tampered} versions, the oldest counts`]),
    ...(problem === undefined ? [] : [textForPeople(problem.message)]),
    ...(completeness.kind === 'short' ? [`${formatBytes(completeness.missing)} that its seal counts are missing`] : []),
    ...(sealProblem === undefined ? [] : [`a seal cannot be read: ${textForPeople(sealProblem)}`]),
    ...(expiredBefore === undefined ? [] : [`bytes before ${formatCount(expiredBefore)} expired or never came`]),
    ...gaps.map((gap) => `gap at ${formatCount(gap.offset)}: ${describeGap(gap, formatBytes)}`),
  ]
}
