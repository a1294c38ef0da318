import { pino } from 'pino'
import type { AgentEvent } from '../../agent/context.ts'
import type { Life } from '../../agent/life.ts'
import type { ProblemCode } from '../../agent/problem-code.ts'
import { type Clock, isoTime } from '../../base/clock.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { formatBytes } from '../terminal/units.ts'
import { inodeOf, type LogFile } from './log-file.ts'

/** What the daemon says of its work. */
export interface AgentLog {
  event(event: AgentEvent): void
  info(message: string, fields: Record<string, unknown>): void
}

/** What a line of level warn is called: stable, for the runbook and for alerts. */
export const lifeCodes = ['edited-in-place', 'forked', 'gap', 'life-ended'] as const
export type LogCode = ProblemCode | (typeof lifeCodes)[number]

interface Line {
  level: 'debug' | 'info' | 'warn'
  /** Of what is worse than news; its paragraph is in docs/runbook.md. */
  code?: LogCode
  /** Constant: the data is in the fields. */
  message: string
  fields: Record<string, unknown>
  /** The same for people. */
  text: string
}

/**
 * JSON lines, as journals and collectors like them. Of the file that they go to, deliveries are not told, whatever the
 * level: each would be another line to deliver, for ever.
 */
export function jsonLog(level: string, file?: LogFile): AgentLog {
  const stderrInode = file === undefined ? inodeOf(2) : undefined
  const isOwn = (life: Life): boolean => {
    const inode = file?.inode ?? stderrInode
    return inode !== undefined && life.identity.endsWith(`-${inode.toString(36)}`)
  }
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    file ?? pino.destination({ dest: 2, sync: true }),
  )
  return {
    event(event) {
      if (event.kind === 'acked' && isOwn(event.life)) return
      const { level: severity, code, message, fields } = lineOf(event)
      logger[severity](code === undefined ? fields : { code, ...fields }, message)
    },
    info: (message, fields) => logger.info(fields, message),
  }
}

/** Short lines for a person at a terminal. */
export function terminalLog(terminal: Terminal, clock: Clock): AgentLog {
  const time = (): string => terminal.paintMessage.dim(isoTime(clock.now()).slice(11, 19))
  return {
    event(event) {
      const { level, text } = lineOf(event)
      if (level === 'debug') return
      const line = `${time()} ${level === 'warn' ? terminal.paintMessage.yellow(text) : text}`
      if (level === 'warn') terminal.warn(line)
      else terminal.say(line)
    },
    info: (message, fields) => terminal.say(`${time()} ${message} ${Object.values(fields).join(' · ')}`),
  }
}

/** A problem that stands is said again this often: scans and retries meet it every few seconds. */
const repeatAfterMs = 10 * 60_000
/** Beyond it the oldest are forgotten, and may be said once more. */
const rememberedMax = 1_000

/** Leaves out what was said of the same place a moment ago. */
export function withoutRepetitions(log: AgentLog, clock: Pick<Clock, 'monotonic'>): AgentLog {
  const saidAtMs = new Map<string, number>()
  return {
    event(event) {
      if (event.kind === 'problem') {
        const key = `${event.place}\n${event.message}`
        const now = clock.monotonic()
        const before = saidAtMs.get(key)
        if (before !== undefined && now - before < repeatAfterMs) return
        saidAtMs.delete(key)
        saidAtMs.set(key, now)
        const [oldest] = saidAtMs.keys()
        if (saidAtMs.size > rememberedMax && oldest !== undefined) saidAtMs.delete(oldest)
      }
      log.event(event)
    },
    info: (message, fields) => log.info(message, fields),
  }
}

function lineOf(event: AgentEvent): Line {
  if (event.kind === 'problem') {
    const { code, place, message, hint } = event
    return {
      level: 'warn',
      code,
      message: 'problem',
      fields: { place, problem: message, hint },
      text: `${pathForPeople(place)}: ${textForPeople(message)}${hint ? ` · ${textForPeople(hint)}` : ''}`,
    }
  }
  const path = event.life.path
  const shown = pathForPeople(path)
  const base = shown.slice(shown.lastIndexOf('/') + 1)
  if (event.kind === 'rotated') {
    return {
      level: 'info',
      message: 'rotated',
      fields: { path, from: event.from },
      text: `rotated ${pathForPeople(event.from)} → ${base}, same stream`,
    }
  }
  if (event.kind === 'removed') {
    const what = event.to === undefined ? 'deleted' : 'moved'
    return {
      level: 'info',
      message: what,
      fields: { path, to: event.to },
      text: `${what} ${shown}${event.to === undefined ? '' : ` → ${pathForPeople(event.to)}`}: every destination has it whole`,
    }
  }
  if (event.kind === 'ended')
    return {
      level: 'warn',
      code: 'life-ended',
      message: 'life ended',
      fields: { path, why: event.why },
      text: `${shown}: ${event.why}: its stream ends, what follows is the next generation`,
    }
  const { destination, stream } = event.delivery
  const place = { path, destination, stream }
  switch (event.kind) {
    case 'began':
      return {
        level: 'info',
        message: 'stream',
        fields: { ...place, how: event.how },
        text: `${event.how} ${shown} → ${destination} at ${formatBytes(event.delivery.acked.offset)}`,
      }
    case 'acked':
      return {
        level: 'debug',
        message: 'acked',
        fields: { ...place, bytes: event.bytes, offset: event.delivery.acked.offset },
        text: '',
      }
    case 'sealed':
      return {
        level: 'info',
        message: 'sealed',
        fields: { ...place, length: event.length, sha256: event.sha256, reason: event.reason },
        text: `sealed ${base} → ${destination} ${formatBytes(event.length)} ${event.sha256.slice(0, 8)}…`,
      }
    case 'gap':
      return {
        level: 'warn',
        code: 'gap',
        message: 'gap',
        fields: { ...place, offset: event.offset, reason: event.reason },
        text: `gap in ${shown} → ${destination} from byte ${event.offset}: ${event.reason}`,
      }
    case 'forked':
      return {
        level: 'warn',
        code: 'forked',
        message: 'forked',
        fields: { ...place, from: event.from, why: event.why },
        text: `forked ${shown} → ${destination}: ${event.why}; now stream ${stream}`,
      }
    case 'ignored':
      return {
        level: 'info',
        message: 'copy ignored',
        fields: { ...place, original: event.original },
        text: `ignored ${shown} → ${destination}: ${pathForPeople(event.original)} holds the same`,
      }
    case 'edited':
      return {
        level: 'warn',
        code: 'edited-in-place',
        message: 'edited in place',
        fields: place,
        text: `${shown}: edited in place after it was shipped; what was shipped is kept`,
      }
  }
}
