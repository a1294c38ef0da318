import { lstat } from 'node:fs/promises'
import type { SourceSettings } from '../../agent/context.ts'
import { everyWriter } from '../../agent/files/every-writer.ts'
import { localFiles } from '../../agent/files/local-files.ts'
import { WholeBook } from '../../agent/whole/whole-book.ts'
import { isDelivered, type WholeFile } from '../../agent/whole/whole-file.ts'
import { WholeRecords } from '../../agent/whole/whole-records.ts'
import type { Clock } from '../../base/clock.ts'
import { isCode } from '../../base/errors.ts'
import { pathForPeople, pathForSystem, textForPeople } from '../../base/path-bytes.ts'
import { storedName } from '../../format/whole-name.ts'
import type { AgentPlace } from '../status/status-place.ts'
import { formatBytes } from '../terminal/units.ts'

/** What becomes of a file of a `when-complete` source. Plain data. */
export interface WhyWhole {
  path: string
  source: string
  as: string
  bytes: number
  isComplete: boolean
  /** By which rule it is complete, or what it waits for. */
  why: string
  /** Undefined: it has none, because of `problem`. */
  key: string | undefined
  problem: string | undefined
  deliveries: { destination: string; key: string | undefined; length?: number; sha256?: string; isCurrent: boolean }[]
}

/** Undefined for a path that is no file of such a source. Only reads. */
export async function whyWhole(
  path: string,
  place: AgentPlace,
  host: string,
  clock: Clock,
): Promise<WhyWhole | undefined> {
  const sources: readonly SourceSettings[] = place.config?.sources ?? []
  if (!sources.some(({ whole }) => whole !== undefined)) return undefined
  if (!(await lstat(pathForSystem(path)).catch(() => undefined))) return undefined
  const files = localFiles({ birthTimes: true, spoolDirectory: '' })
  const scan = await files.scan(sources)
  const source = sources.find(({ name }) => name === scan.found.get(path))
  if (source?.whole === undefined) return undefined
  const problems: string[] = []
  const problem = (_path: string, message: string): void => void problems.push(message)
  const book = new WholeBook({ clock, files, sources, findWriters: everyWriter, problem })
  book.restore(await new WholeRecords(place.directory).load(), true)
  await book.apply(scan)
  await book.judge(scan, (file) => file.path === path)
  const file = [...book.files.values()].find((one) => one.path === path)
  return file && factsOf(file, { ...source, whole: source.whole }, place, host, problems[0])
}

type WholeSource = SourceSettings & { whole: NonNullable<SourceSettings['whole']> }

function factsOf(
  file: WholeFile,
  source: WholeSource,
  place: AgentPlace,
  host: string,
  problem: string | undefined,
): WhyWhole {
  const { as } = source.whole
  const named = keyOf(file, source, host)
  const { completion } = file
  return {
    path: file.path,
    source: source.name,
    as,
    bytes: file.size,
    isComplete: completion.kind === 'complete',
    why: completion.kind === 'complete' ? `by ${rules[completion.by]}` : completion.why,
    key: named.key,
    problem: problem ?? named.problem,
    deliveries: (source.to ?? place.destinations).map((destination) => {
      const delivery = file.deliveries.get(destination)
      if (delivery === undefined) return { destination, key: undefined, isCurrent: false }
      const { key, length, sha256 } = delivery
      return { destination, key, length, sha256, isCurrent: isDelivered(file, destination) }
    }),
  }
}

const rules = {
  rotated: 'rotation, and nobody writes to it',
  period: 'the period in its name, which is over',
  idle: 'its idleness',
  known: 'what is known of it: it has not changed since',
}

function keyOf(
  { path, modifiedMs }: WholeFile,
  { name, labels = {}, whole }: WholeSource,
  host: string,
): { key: string | undefined; problem: string | undefined } {
  try {
    return { key: storedName(whole, { path, modifiedMs, host, source: name, labels }), problem: undefined }
  } catch (error) {
    if (!isCode(error, 'invalid')) throw error
    return { key: undefined, problem: error.message }
  }
}

export function whyWholeLines(facts: WhyWhole, bold: (text: string) => string): string[] {
  const state = facts.isComplete ? `complete, ${facts.why}` : `not complete: ${facts.why}`
  return [
    bold(pathForPeople(facts.path)),
    `source ${facts.source}: delivered whole, as ${facts.as}`,
    `${formatBytes(facts.bytes)} · ${state}`,
    ...(facts.problem === undefined ? [] : [`it cannot go: ${textForPeople(facts.problem)}`]),
    ...facts.deliveries.map(({ destination, key, length, sha256, isCurrent }) => {
      if (key === undefined)
        return `${destination}: not there yet${facts.key === undefined ? '' : `; it will be ${facts.key}`}`
      const content = `${textForPeople(key)} (${formatBytes(length ?? 0)}, SHA-256 ${sha256})`
      return isCurrent
        ? `${destination}: all of it is there, as ${content}`
        : `${destination}: has it as it was before: ${content}`
    }),
  ]
}
