import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent } from '../agent/agent.ts'
import { isSettled } from '../agent/sweep.ts'
import { writeAtomically } from '../base/atomic-file.ts'
import type { Clock } from '../base/clock.ts'
import { isoTime } from '../base/clock.ts'
import { errnoOf, LogcaskError, messageOf } from '../base/errors.ts'
import { type Meter, requestCount, requestDollars } from '../bucket/metered.ts'
import { readPidSpace } from './pid-space.ts'
import type { RunReport } from './run-report.ts'

/** What `logcask status` shows; written into the state directory by the agent that runs, every two seconds. */
export interface StatusRecord {
  v: 1
  pid: number
  /** Where `pid` means something (pid-space.ts). */
  pidSpace?: string | undefined
  host: string
  startedAt: string
  updatedAt: string
  files: number
  bytes: number
  forks: number
  losses: number
  problems: { place: string; message: string; hint?: string | undefined }[]
  destinations: DestinationStatus[]
}

export interface DestinationStatus {
  name: string
  url: string
  state: 'probing' | 'ok' | 'unavailable' | 'down'
  problem?: string | undefined
  hint?: string | undefined
  since?: string | undefined
  /** Bytes that are here and not acked there. */
  behindBytes: number
  /** Age of the oldest of them, in seconds. */
  oldestSeconds: number
  filesBehind: number
  /** Gaps recorded there since the agent started: bytes that are lost, or may be. */
  losses: number
  requests: number
  dollars: number
}

export const statusFile = 'status.json'

export function statusOf(
  agent: Agent,
  facts: {
    host: string
    startedAtMs: number
    urls: ReadonlyMap<string, string>
    meters: ReadonlyMap<string, Meter>
    report: RunReport
    clock: Clock
  },
): StatusRecord {
  const { clock, meters, report, urls } = facts
  const lives = [...agent.book.current.values()]
  const now = clock.monotonic()
  const destinations = [...agent.couriers.values()].map((courier): DestinationStatus => {
    const { health } = courier.destination
    let behindBytes = 0
    let oldestSeconds = 0
    let filesBehind = 0
    for (const life of agent.book.all()) {
      const delivery = life.deliveries.get(courier.name)
      const left = delivery && !life.ended ? Math.max(0, life.size - delivery.acked.offset) : 0
      if (left === 0) continue
      behindBytes += left
      filesBehind++
      oldestSeconds = Math.max(oldestSeconds, (now - (life.pendingSinceMs ?? now)) / 1000)
    }
    const usage = meters.get(courier.name)?.snapshot()
    return {
      name: courier.name,
      url: urls.get(courier.name) ?? courier.name,
      state: health.state,
      ...('problem' in health
        ? { problem: health.problem.message, hint: health.problem.hint, since: isoTime(health.sinceMs) }
        : {}),
      behindBytes,
      oldestSeconds: Math.round(oldestSeconds * 100) / 100,
      filesBehind,
      losses: report.lossesAt.get(courier.name) ?? 0,
      requests: usage ? requestCount(usage) : 0,
      dollars: usage ? requestDollars(usage) : 0,
    }
  })
  return {
    v: 1,
    pid: process.pid,
    pidSpace: readPidSpace(),
    host: facts.host,
    startedAt: isoTime(facts.startedAtMs),
    updatedAt: isoTime(clock.now()),
    files: lives.length,
    bytes: lives.reduce((sum, life) => sum + life.size, 0),
    forks: report.forks,
    losses: report.losses,
    problems: [...report.problems]
      .slice(-20)
      .flatMap(([place, { message, hint, life }]) => (life && isSettled(life) ? [] : [{ place, message, hint }])),
    destinations,
  }
}

/** A status that cannot be written is no reason to stop: `status` says how old the last one is. */
export async function writeStatus(directory: string, status: StatusRecord): Promise<void> {
  await writeAtomically(join(directory, statusFile), Buffer.from(`${JSON.stringify(status)}\n`), 0o644).catch(() => {})
}

/** What the agent of a state directory last said; undefined where none ever ran there. */
export async function readStatus(directory: string): Promise<StatusRecord | undefined> {
  const path = join(directory, statusFile)
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as StatusRecord
    if (record?.v === 1 && Array.isArray(record.destinations) && Array.isArray(record.problems)) return record
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    if (errnoOf(error) !== undefined)
      throw new LogcaskError('refused', `${path}: cannot be read: ${messageOf(error)}`, {
        hint: 'run as the user of the agent',
        cause: error,
      })
  }
  throw new LogcaskError('invalid', `${path}: is damaged, or of another version of logcask`, {
    hint: 'use the logcask that the agent runs; a running agent writes it anew every 2 s',
  })
}
