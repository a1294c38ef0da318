import { lstat } from 'node:fs/promises'
import { localFiles } from '../../agent/files/local-files.ts'
import { scanPatterns } from '../../agent/files/scan.ts'
import { type Content, sampleAt } from '../../agent/identity/content.ts'
import { compare } from '../../agent/identity/evidence.ts'
import { isNamedAsCopy } from '../../agent/identity/rules.ts'
import type { Life } from '../../agent/life.ts'
import { pathForPeople, pathForSystem } from '../../base/path-bytes.ts'
import { birthOfIdentity } from '../../format/keys.ts'
import { usageError } from '../command.ts'
import type { AgentPlace } from '../status/status-place.ts'
import type { WhyDelivery, WhyFile, WhyRecord, WhySource } from './why-facts.ts'

/** The file behind the path, open; closed by `close`. */
export interface Subject {
  path: string
  file: WhyFile | undefined
  content: Content | undefined
  isLink: boolean
  close(): Promise<void>
}

export async function openSubject(path: string, place: AgentPlace): Promise<Subject> {
  const info = await lstat(pathForSystem(path)).catch(() => undefined)
  if (info?.isDirectory())
    throw usageError(`${pathForPeople(path)}: is a directory`, 'logcask why PATH, of a file in it')
  const isLink = info?.isSymbolicLink() === true
  const follows = isLink && place.config?.sources.some((source) => source.followSymlinks) === true
  // Whether birth times are worth anything here was decided by the agent, and is told by the identities that it keeps.
  const birthTimes = !place.lives.some((life) => life.identity.startsWith('0-'))
  const handle = await localFiles({ birthTimes, spoolDirectory: '' }).open(path, follows)
  if (handle === undefined) return { path, file: undefined, content: undefined, isLink, close: async () => {} }
  const bytes = handle.stat().size
  return {
    path,
    file: { identity: handle.identity, born: birthOfIdentity(handle.identity), bytes },
    content: { file: handle, size: bytes },
    isLink: isLink && !follows,
    close: () => handle.close(),
  }
}

/** The record of the file; else of the last one that was seen under its name. */
export async function recordOf(subject: Subject, place: AgentPlace): Promise<WhyRecord | undefined> {
  const { content, file, path } = subject
  const isCurrent = (life: Life): boolean => life.ended === undefined
  const same = place.lives.filter((life) => life.identity === file?.identity)
  const namesakes = file === undefined ? place.lives.filter((life) => life.path === path) : []
  const life = same.find(isCurrent) ?? same.at(-1) ?? namesakes.find(isCurrent) ?? namesakes.at(-1)
  if (life === undefined) return undefined
  const isSameFile = same.includes(life)
  const deliveries: WhyDelivery[] = []
  for (const { destination, stream, acked, confirmed, sealed, hasGap, forkOf } of life.deliveries.values()) {
    const isComparable =
      isSameFile && content !== undefined && stream !== undefined && life.copy?.reason !== 'compressed'
    const health = place.status?.destinations.find((one) => one.name === destination)
    deliveries.push({
      destination,
      stream,
      acked: acked.offset,
      sent: isComparable ? compare(acked, await sampleAt(content, acked)) : undefined,
      confirmed: isComparable ? compare(confirmed, await sampleAt(content, confirmed)) : undefined,
      sealed,
      hasGap,
      forkOf: forkOf?.stream,
      problem: health?.problem && [health.problem, ...(health.hint ? [`fix: ${health.hint}`] : [])].join(' · '),
    })
  }
  return {
    identity: life.identity,
    isSameFile,
    source: life.source,
    firstPath: life.origin.path,
    lastPath: life.path,
    bytes: life.size,
    copyReason: life.copy?.reason,
    ended: life.ended?.reason,
    deliveries,
  }
}

/** The source that the agent would find it by. */
export async function sourceOfPath(
  { path, content }: Subject,
  record: WhyRecord | undefined,
  { config }: AgentPlace,
  nowMs: number,
): Promise<WhySource> {
  if (config === undefined) return { kind: 'unknown' }
  const known = config.sources.find(({ name }) => name === record?.source)
  if (known !== undefined && record?.isSameFile) return { kind: 'matched', name: known.name }
  const found = (await scanPatterns(config.sources)).found.get(path)
  if (found !== undefined) {
    const sinceMs = config.sources.find(({ name }) => name === found)?.sinceMs ?? Number.POSITIVE_INFINITY
    const ageMs = nowMs - (content?.file.stat().modifiedMs ?? nowMs)
    return ageMs > sinceMs ? { kind: 'too old', name: found, sinceMs } : { kind: 'matched', name: found }
  }
  const wider = config.sources.filter(({ exclude }) => exclude.length > 0)
  const excludedBy = (await scanPatterns(wider.map((source) => ({ ...source, exclude: [] })))).found.get(path)
  const excluding = wider.find(({ name }) => name === excludedBy)
  if (excluding !== undefined) return { kind: 'excluded', name: excluding.name, patterns: excluding.exclude }
  return { kind: 'none', patterns: config.sources.flatMap(({ include }) => include) }
}

/** Where the checkpoint knows of a file whose copy this one could be, by its name. */
export function copySources(path: string, { lives }: AgentPlace): string[] {
  return [...new Set(lives.map((life) => life.path).filter((source) => isNamedAsCopy(path, source)))]
}
