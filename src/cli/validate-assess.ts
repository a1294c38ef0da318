import type { AgentConfig, DestinationConfig } from '../config/agent-config.ts'
import { parseStoreUrl } from '../config/store-url.ts'
import { requestBound } from './cost.ts'
import type { Match, Matches } from './matches.ts'
import { countText, formatDuration, formatSpan } from './units.ts'

/** What a configuration means on this machine at present. */
export interface Assessment {
  sources: { name: string; files: number; bytes: number; live: number; to: string[] }[]
  destinations: {
    name: string
    url: string
    files: number
    bytes: number
    live: number
    /** With as many live files as now. */
    atMost: Bound
    /** With every file appended to all the time. */
    ifAllLive: Bound
  }[]
  /** Sentences, each with its remedy. */
  warnings: string[]
}

interface Bound {
  requestsPerHour: number
  /** Undefined where requests cost nothing (`file://`). */
  dollarsPerMonth: number | undefined
}

/** Changed within so long: live. Long enough to catch whatever is written every few minutes. */
const liveWithinMs = 3_600_000

export function assess(
  config: AgentConfig,
  matches: Matches,
  machine: { hasMachineId: boolean; nowMs: number },
): Assessment {
  const isLive = (file: Match): boolean => machine.nowMs - file.changedAtMs <= liveWithinMs
  const count = (files: readonly Match[]) => ({
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    live: files.filter(isLive).length,
  })
  const filesFor = (destination: DestinationConfig): Match[] => {
    const names = config.sources.filter(({ to }) => to.includes(destination.name)).map(({ name }) => name)
    return matches.files.filter(({ source }) => names.includes(source))
  }
  return {
    sources: config.sources.map(({ name, to }) => ({
      name,
      ...count(matches.files.filter(({ source }) => source === name)),
      to,
    })),
    destinations: config.destinations.map((destination) => {
      const counts = count(filesFor(destination))
      const bound = (live: number): Bound => {
        const { requestsPerHour, dollarsPerMonth } = requestBound(counts.files, live, destination.budget)
        const isFree = parseStoreUrl(destination.url).scheme === 'file'
        return { requestsPerHour, dollarsPerMonth: isFree ? undefined : dollarsPerMonth }
      }
      const { name, url } = destination
      return { name, url, ...counts, atMost: bound(counts.live), ifAllLive: bound(counts.files) }
    }),
    warnings: [
      ...machineWarnings(config, machine.hasMachineId),
      ...unreadableWarnings(matches),
      ...config.sources.flatMap(({ name }) =>
        matches.files.some(({ source }) => source === name)
          ? []
          : [emptySourceWarning(name, matches.takenBy.get(name))],
      ),
      ...config.destinations.flatMap((destination) =>
        destinationWarnings(destination, filesFor(destination), config, machine.nowMs),
      ),
      ...birthWarnings(matches),
    ],
  }
}

function emptySourceWarning(name: string, takers: readonly string[] | undefined): string {
  if (takers === undefined) return `source ${name} matches no file at present: check its include and exclude`
  const [are, s] = takers.length === 1 ? ['is', ''] : ['are', 's']
  return `source ${name} gets no file: its files are taken by source${s} ${takers.join(', ')}, which ${are} named first: name ${name} before, or exclude them there`
}

/** What the agent will say of its state directory when it starts. */
export function stateWarnings(directory: string, host: string, boundHost: string | undefined): string[] {
  if (boundHost === undefined || boundHost === host) return []
  return [
    `state directory ${directory} belongs to host ${boundHost}, not to ${host}, and the agent will not start: go on as before with host: ${boundHost}, or start anew with another state:`,
  ]
}

function machineWarnings(config: AgentConfig, hasMachineId: boolean): string[] {
  if (hasMachineId) return []
  return [
    `this machine has no id, so that a second machine with the host ${config.host} is not noticed: run systemd-machine-id-setup, or set machineId:`,
  ]
}

/** Named one by one up to here: a directory of a thousand files without permission is one mistake, not a thousand. */
const namedMax = 5

function unreadableWarnings({ unreadable }: Matches): string[] {
  const remedy = 'let this user read it: group adm, an ACL, or CAP_DAC_READ_SEARCH'
  const named = unreadable.slice(0, namedMax).map(({ path, errno }) => `${path} cannot be read (${errno}): ${remedy}`)
  const more = unreadable.length - named.length
  return more > 0 ? [...named, `${more} more cannot be read`] : named
}

function destinationWarnings(
  destination: DestinationConfig,
  files: readonly Match[],
  config: AgentConfig,
  nowMs: number,
): string[] {
  const { name, url, retentionMs } = destination
  const warnings: string[] = []
  if (!config.sources.some(({ to }) => to.includes(name))) {
    warnings.push(`destination ${name} gets nothing: no source names it under to:`)
  }
  const [oldest] = files.toSorted((a, b) => (a.bornAtMs ?? nowMs) - (b.bornAtMs ?? nowMs))
  const age = oldest?.bornAtMs === undefined ? 0 : nowMs - oldest.bornAtMs
  if (oldest && retentionMs !== undefined && age > retentionMs) {
    warnings.push(
      `${oldest.path} has lived for ${formatSpan(age)}, and ${name} keeps segments for ${formatDuration(retentionMs)}: its beginning expires there; rotate it, or keep segments longer`,
    )
  }
  const address = parseStoreUrl(url)
  const root = address.scheme === 'file' ? address.root : undefined
  const own = root === undefined ? undefined : files.find(({ path }) => path.startsWith(`${root}/`))
  if (own) {
    warnings.push(
      `${own.path} lies in destination ${name} itself, so that what is delivered is shipped again: exclude ${root}/**`,
    )
  }
  return warnings
}

function birthWarnings({ files }: Matches): string[] {
  const without = files.filter(({ bornAtMs }) => bornAtMs === undefined)
  const [first] = without
  if (first === undefined) return []
  return [
    `no birth time is known of ${countText(without.length, 'file')} (${first.path}): a file that reuses an inode is told apart by its content alone`,
  ]
}
