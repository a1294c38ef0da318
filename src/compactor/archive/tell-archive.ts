import { LogcaskError } from '../../base/errors.ts'
import type { Once, OnEvent } from '../event.ts'
import type { ArchiveOutcome } from './archive-stream.ts'

interface Telling {
  onEvent: OnEvent
  once: Once
}

interface Counted {
  sent: number
  sentBytes: number
  there: number
  lies: number
  short: number
}

export function tellUntold({ onEvent }: Telling, host: string, untold: number): void {
  const error = new LogcaskError('unavailable', `${host}: ${untold} more streams could not be archived`, {
    hint: 'the first ones are above; with --once --json all that remain are listed',
  })
  onEvent({ kind: 'problem', host, error })
}

export function count(round: Counted, { object, lie, missing }: ArchiveOutcome): void {
  if (object?.how === 'sent') {
    round.sent++
    round.sentBytes += object.length
  }
  if (object?.how === 'there') round.there++
  if (lie !== undefined) round.lies++
  if (missing !== undefined) round.short++
}

export function tell(context: Telling, host: string, stream: string, { object, lie, missing }: ArchiveOutcome): void {
  const { once, onEvent } = context
  once.forget(`problem archive ${host} ${stream}`)
  const name = `${host} ${stream}`
  if (object?.how === 'sent') {
    const { key, length, sha256, isSealed } = object
    onEvent({ kind: 'archived', host, stream, name: key, length, sha256, isSealed })
  }
  if (lie !== undefined && once.isNew(`lie ${name} ${lie.length}`)) {
    const { length, sealed, actual } = lie
    onEvent({ kind: 'mismatch', host, stream, name, length, sealed: sealed.join(', '), sha256: actual })
  }
  if (missing !== undefined && once.isNew(`archive short ${name}`, `${missing}`))
    onEvent({ kind: 'short', host, stream, name, length: object?.length ?? 0, missing })
}

export function tamperedIn({ once, onEvent }: Telling, host: string) {
  return (key: string, stream: string, versions: number): void => {
    if (once.isNew(`tampered ${key}`)) onEvent({ kind: 'tampered', host, stream, key, versions })
  }
}
