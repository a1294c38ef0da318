import { isLoopback } from '../../base/listen-address.ts'
import type { AgentConfig, Budget, DestinationConfig } from '../../config/agent-config.ts'
import { parseStoreUrl } from '../../config/store-url.ts'
import { countText, formatCount, formatDollars, formatDuration, formatSpan } from '../terminal/units.ts'
import { longestWait, requestBound, storageDollars, wholeBound } from './cost.ts'
import type { Match, Matches } from './matches.ts'

/** What a configuration means on this machine at present. */
export interface Assessment {
  sources: {
    name: string
    files: number
    bytes: number
    live: number
    /** Files that `since` leaves out; not in the other numbers. */
    leftOut: number
    bytesPerDay: number
    to: string[]
  }[]
  destinations: {
    name: string
    url: string
    files: number
    bytes: number
    live: number
    /** As the files of the last day show. */
    bytesPerDay: number
    /** Dollars that storage costs more each month, or in all where segments expire; undefined where it costs nothing. */
    storage: number | undefined
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
  machine: { hasMachineId: boolean; nowMs: number; openFilesMax: number },
): Assessment {
  const { nowMs } = machine
  const isLive = (file: Match): boolean => nowMs - file.changedAtMs <= liveWithinMs
  const since = new Map(config.sources.map(({ name, sinceMs }) => [name, sinceMs]))
  const wholes = new Set(config.sources.filter(({ whole }) => whole !== undefined).map(({ name }) => name))
  const isLeftOut = ({ source, changedAtMs }: Match): boolean => nowMs - changedAtMs > (since.get(source) ?? Infinity)
  const files = matches.files.filter((file) => !isLeftOut(file))
  const count = (some: readonly Match[]) => ({
    files: some.length,
    bytes: some.reduce((sum, file) => sum + file.bytes, 0),
    live: some.filter(isLive).length,
    bytesPerDay: Math.round(some.reduce((sum, file) => sum + bytesPerDay(file, nowMs), 0)),
  })
  const filesFor = (destination: DestinationConfig): Match[] => {
    const names = config.sources.filter(({ to }) => to.includes(destination.name)).map(({ name }) => name)
    return files.filter(({ source }) => names.includes(source))
  }
  const destinations = config.destinations.map((destination) => {
    const { name, url, budget, retentionMs } = destination
    const counts = count(filesFor(destination))
    const isFree = parseStoreUrl(url).scheme === 'file'
    const whole = count(filesFor(destination).filter(({ source }) => wholes.has(source)))
    const streams = { files: counts.files - whole.files, live: counts.live - whole.live }
    const bound = (live: number, complete: number): Bound => {
      const ofStreams = requestBound(streams.files, live, budget)
      const ofWholes = wholeBound(complete)
      const dollarsPerMonth = ofStreams.dollarsPerMonth + ofWholes.dollarsPerMonth
      return {
        requestsPerHour: ofStreams.requestsPerHour + ofWholes.requestsPerHour,
        dollarsPerMonth: isFree ? undefined : dollarsPerMonth,
      }
    }
    const storage = isFree ? undefined : storageDollars(counts.bytesPerDay, retentionMs)
    return {
      name,
      url,
      ...counts,
      storage,
      atMost: bound(streams.live, whole.live),
      ifAllLive: bound(streams.files, whole.files),
    }
  })
  return {
    sources: config.sources.map(({ name, to }) => ({
      name,
      ...count(files.filter(({ source }) => source === name)),
      leftOut: matches.files.filter((file) => file.source === name && isLeftOut(file)).length,
      to,
    })),
    destinations,
    warnings: [
      ...machineWarnings(config, machine.hasMachineId),
      ...unreadableWarnings(matches),
      ...config.sources.flatMap(({ name }) =>
        matches.files.some(({ source }) => source === name)
          ? []
          : [emptySourceWarning(name, matches.takenBy.get(name))],
      ),
      ...config.destinations.flatMap((destination) =>
        destinationWarnings(destination, filesFor(destination), config, nowMs),
      ),
      ...destinations.flatMap((counted, at) => costWarnings(counted, config.destinations[at]?.budget)),
      ...birthWarnings(matches),
      ...limitWarnings(files.length, machine.openFilesMax),
    ],
  }
}

const dayMs = 24 * 3_600_000

/** What a file that changed within the last day grew by in that day: evenly over its life, where that is longer. */
function bytesPerDay({ bytes, changedAtMs, bornAtMs = changedAtMs }: Match, nowMs: number): number {
  if (nowMs - changedAtMs > dayMs) return 0
  return bytes * (dayMs / Math.max(dayMs, changedAtMs - bornAtMs))
}

/** Beyond it, nobody should find out from the bill. */
const surprisingDollars = 50
/** Beyond it, a price makes logs late. */
const lateSeconds = 60

function costWarnings(counted: Assessment['destinations'][number], budget: Budget | undefined): string[] {
  const { name, files, live, ifAllLive } = counted
  if (budget === undefined || ifAllLive.dollarsPerMonth === undefined) return []
  const waitSeconds = longestWait(live, budget)
  if (budget.dollarsPerMonth !== undefined && waitSeconds > lateSeconds)
    return [
      `destination ${name}: at ${formatDollars(budget.dollarsPerMonth)} a month each of ${countText(live, 'live file')} waits up to ${formatSpan(waitSeconds * 1000)} for its turn: raise budget:, or gather appends with minSize: and maxDelay:`,
    ]
  if (budget.dollarsPerMonth !== undefined || ifAllLive.dollarsPerMonth <= surprisingDollars) return []
  return [
    `destination ${name}: if all ${countText(files, 'file')} were written to all the time, requests would cost up to ${formatDollars(ifAllLive.dollarsPerMonth)} a month: set budget: 10 USD/month there, if that is too much`,
  ]
}

function limitWarnings(files: number, openFilesMax: number): string[] {
  if (files <= openFilesMax) return []
  return [
    `${countText(files, 'file')}, and ${formatCount(openFilesMax)} may be open at once: the others take turns, which is slower, and what is deleted before its turn is lost: raise LimitNOFILE= (ulimit -n)`,
  ]
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
  const endpoint = address.scheme === 's3' ? (destination.endpoint ?? address.query.endpoint) : undefined
  if (endpoint !== undefined && isReadableOnTheWay(endpoint)) {
    warnings.push(
      `destination ${name}: ${endpoint} is not encrypted: whoever is on the way can read the logs: use https://, with ca: for an authority of your own`,
    )
  }
  const root = address.scheme === 'file' ? address.root : undefined
  const own = root === undefined ? undefined : files.find(({ path }) => path.startsWith(`${root}/`))
  if (own) {
    warnings.push(
      `${own.path} lies in destination ${name} itself, so that what is delivered is shipped again: exclude ${root}/**`,
    )
  }
  return warnings
}

function isReadableOnTheWay(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint)
  return protocol === 'http:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

function birthWarnings({ files }: Matches): string[] {
  const without = files.filter(({ bornAtMs }) => bornAtMs === undefined)
  const [first] = without
  if (first === undefined) return []
  return [
    `no birth time is known of ${countText(without.length, 'file')} (${first.path}): a file that reuses an inode is told apart by its content alone`,
  ]
}
