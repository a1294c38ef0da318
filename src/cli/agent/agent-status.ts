import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent } from '../../agent/agent.ts'
import { isSettled } from '../../agent/rest.ts'
import type { WholeShipper } from '../../agent/whole/whole-shipper.ts'
import { writeAtomically } from '../../base/atomic-file.ts'
import { type Clock, isoTime } from '../../base/clock.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'
import { type Meter, requestCount, requestDollars } from '../../bucket/metered.ts'
import { readPidSpace } from '../compose/pid-space.ts'
import type { RunReport } from '../ship/run-report.ts'
import { appendedBytes, type RotatedBehind, watchAmounts } from './agent-amounts.ts'
import type { DiskFacts } from './first-loss.ts'
import { type AmountSample, addSample, growthPerSecond } from './growth.ts'
import type { InheritedAges } from './inherited-ages.ts'
import type { LocalRoom } from './local-room.ts'

/** What `logcask status` shows; written into the state directory by the agent that runs, every two seconds. */
export interface StatusRecord {
  v: 1
  pid: number
  /** Where `pid` means something (pid-space.ts). */
  pidSpace?: string | undefined
  host: string
  startedAt: string
  updatedAt: string
  /** `agent --once`: that it has ended is as it should be. */
  isOneShot?: boolean | undefined
  files: number
  bytes: number
  /** Of these, how many are open. */
  openFiles?: number | undefined
  forks: number
  losses: number
  /** What the agent waits for until it is ready; nothing, once it is. */
  notReady?: readonly string[] | undefined
  /** What all files together grew by per second in the last hour. */
  bytesPerSecond?: number | undefined
  rotated?: RotatedBehind | undefined
  spool?: { bytes: number; bytesMax?: number | undefined } | undefined
  disks?: readonly DiskFacts[] | undefined
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
  /** Bytes of the files that are here that it has. */
  ackedBytes?: number | undefined
  /** Age of the oldest of them, in seconds. */
  oldestSeconds: number
  filesBehind: number
  /** Gaps recorded there since the agent started: bytes that are lost, or may be. */
  losses: number
  requests: number
  dollars: number
}

export const statusFile = 'status.json'

interface Facts {
  host: string
  startedAtMs: number
  urls: ReadonlyMap<string, string>
  meters: ReadonlyMap<string, Meter>
  report: RunReport
  clock: Clock
  isOneShot?: boolean | undefined
  room: Pick<LocalRoom, 'spoolBytes' | 'disks'>
  spoolBytesMax?: number | undefined
  /** What the agent before this one said. */
  inherited?: InheritedAges | undefined
  /** What ships the files that go whole, where any do; another one after a reload. */
  wholes?: (() => WholeShipper | undefined) | undefined
}

/** The answer is the agent's status at each moment that it is called. */
export function watchStatus(agent: Agent, facts: Facts): () => StatusRecord {
  const { clock, meters, report, room, urls } = facts
  const amounts = watchAmounts(agent, clock, facts.wholes, facts.inherited)
  let appended: readonly AmountSample[] = []
  const pidSpace = readPidSpace()
  return () => {
    const { files, bytes, openFiles, backlogs, rotated } = amounts()
    const now = clock.monotonic()
    const notReady = waitsFor(agent)
    const everAppended = { atMs: now, amount: appendedBytes(backlogs, report.counts) }
    // What is found at the start is no growth.
    if (notReady.length === 0) appended = addSample(appended, everAppended)
    const destinations = [...agent.couriers.values()].map((courier): DestinationStatus => {
      const { health } = courier.destination
      const backlog = backlogs.get(courier.name)
      const ageMs = now - Math.min(backlog?.sinceMs ?? now, now)
      const usage = meters.get(courier.name)?.snapshot()
      return {
        name: courier.name,
        url: urls.get(courier.name) ?? courier.name,
        state: health.state,
        ...('problem' in health
          ? { problem: health.problem.message, hint: health.problem.hint, since: isoTime(health.sinceMs) }
          : {}),
        behindBytes: backlog?.bytes ?? 0,
        ackedBytes: backlog?.ackedBytes ?? 0,
        oldestSeconds: Math.round(ageMs / 10) / 100,
        filesBehind: backlog?.files ?? 0,
        losses: report.lossesAt.get(courier.name) ?? 0,
        requests: usage ? requestCount(usage) : 0,
        dollars: usage ? requestDollars(usage) : 0,
      }
    })
    return {
      v: 1,
      pid: process.pid,
      pidSpace,
      host: facts.host,
      startedAt: isoTime(facts.startedAtMs),
      updatedAt: isoTime(clock.now()),
      isOneShot: facts.isOneShot,
      files,
      bytes,
      openFiles,
      notReady,
      bytesPerSecond: growthPerSecond(appended, everAppended),
      rotated,
      spool: { bytes: room.spoolBytes, bytesMax: facts.spoolBytesMax },
      disks: room.disks,
      forks: report.forks,
      losses: report.losses,
      problems: standing(agent, report),
      destinations,
    }
  }
}

/** The last ones; without those of a file that is delivered by now, or of a destination that takes what it is sent again. */
function standing({ couriers }: Agent, { problems }: RunReport): StatusRecord['problems'] {
  const isWell = (place: string): boolean => couriers.get(place)?.destination.health.state === 'ok'
  return [...problems]
    .slice(-problemsMax)
    .flatMap(([place, { message, hint, life }]) =>
      isWell(place) || (life && isSettled(life)) ? [] : [{ place, message, hint }],
    )
}

const problemsMax = 20

/** In words; ready is who has scanned once, and whose destinations were each admitted or have said what is in the way. */
function waitsFor(agent: Agent): string[] {
  const probing = [...agent.couriers.values()].filter(({ destination }) => destination.health.state === 'probing')
  return [
    ...(agent.isExplored ? [] : ['the first scan is not done']),
    ...probing.map(({ name }) => `${name} has not answered yet`),
  ]
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
