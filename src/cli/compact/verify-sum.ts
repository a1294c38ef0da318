import type { VerifiedDigests } from '../../compactor/verify-digests.ts'
import type { VerifiedStream } from '../../compactor/verify-stream.ts'
import { type StreamVerdict, worstOf } from '../../compactor/verify-verdict.ts'
import { countText, formatBytes } from '../terminal/units.ts'

/** What was found, over all hosts. */
export class VerifySum {
  hosts = 0
  streams = 0
  bytes = 0
  sealed = 0
  strays = 0
  /** Records that were written twice, or deleted. */
  tampered = 0
  fine = 0
  gaps = 0
  unread = 0
  differs = 0
  digests = 0
  brokenDigests = 0
  silentHours = 0

  add(verified: VerifiedStream): void {
    this.streams++
    this.bytes += verified.bytes
    this.strays += verified.strays
    this[verified.verdict]++
    if (verified.completeness.kind === 'sealed') this.sealed++
  }

  addDigests({ digests, broken, moreBroken, silent, moreSilentHours }: VerifiedDigests): void {
    this.digests += digests
    this.brokenDigests += broken.length + moreBroken
    this.silentHours += moreSilentHours
    for (const { hours } of silent) this.silentHours += hours
  }

  get verdict(): StreamVerdict {
    const verdicts = (['gaps', 'unread', 'differs'] as const).filter((one) => this[one] > 0)
    return worstOf(this.tampered + this.brokenDigests > 0 ? [...verdicts, 'differs'] : verdicts)
  }

  forMachine(): Record<string, unknown> {
    const numbers: object = { ...this }
    return { kind: 'sum', verdict: this.verdict, ...numbers }
  }

  forPeople(isQuick: boolean): string {
    const parts = [countText(this.streams, 'stream'), `${formatBytes(this.bytes)} ${isQuick ? 'by name' : 'read'}`]
    parts.push(isQuick ? `${this.sealed} as long as sealed` : `${this.sealed} sealed`)
    if (this.differs > 0) parts.push(`${this.differs} differ`)
    if (this.unread > 0) parts.push(`${this.unread} not read`)
    if (this.gaps > 0) parts.push(`${this.gaps} with bytes missing`)
    if (this.tampered > 0) parts.push(`${countText(this.tampered, 'record')} written twice`)
    if (this.brokenDigests > 0) parts.push(`${countText(this.brokenDigests, 'digest')} out of line`)
    if (this.verdict === 'fine') parts.push('all as it should be')
    if (this.silentHours > 0) parts.push(countText(this.silentHours, 'silent hour'))
    if (this.strays > 0) parts.push(`${countText(this.strays, 'stray')}: on no chain`)
    return parts.join(' · ')
  }
}
