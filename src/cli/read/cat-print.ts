import { LogcaskError } from '../../base/errors.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import type { ContentRead, Loss } from '../../bucket/stream-content.ts'
import { describeGap } from '../../bucket/stream-gaps.ts'
import { formatBytes, formatCount } from '../terminal/units.ts'

/** Gives what is read to `write`, waiting for it; what was checked on the way is the answer. */
export async function printContent(
  content: AsyncGenerator<Uint8Array, ContentRead>,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<ContentRead> {
  try {
    for (;;) {
      const next = await content.next()
      if (next.done) return next.value
      await write(next.value)
    }
  } finally {
    // Where nobody takes any more, what is under way is given up.
    await content.return(undefined as never)
  }
}

/** Wrong bytes went out: whoever reads them must know. */
export function notSealedContent(host: string, stream: string): LogcaskError {
  return new LogcaskError(
    'corrupt',
    `${pathForPeople(host)} ${stream}: the content is not what its seal says: its SHA-256 is not its seal's`,
    { hint: 'compare another destination (logcask cat there), and find out who wrote to this bucket' },
  )
}

export function lossText(loss: Loss): string {
  switch (loss.kind) {
    case 'expired':
      return `the bytes before ${formatCount(loss.before)} are not there: they have expired, or never came`
    case 'short':
      return `${formatBytes(loss.missing)} that its seal counts are not there: not delivered yet, lost, or expired`
    case 'unread-seal':
      return `there may be more, by a seal that cannot be read: ${textForPeople(loss.problem)}`
    case 'gap':
      return `gap at ${formatCount(loss.offset)}: ${describeGap(loss, formatBytes)}`
  }
}
