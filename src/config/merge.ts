import { closest } from '../base/closest.ts'
import { parseListenAddress } from '../base/listen-address.ts'
import type { AgentConfig, DestinationConfig, SourceConfig } from './agent-config.ts'
import { afterProblem, leaveOutMoved } from './housekeeping.ts'
import type { ParsedFile, SettingPath } from './parse.ts'
import { type Problem, pathText, problemAt } from './problem.ts'
import type { FileSettings } from './schema.ts'
import { nameOfAddress, parseStoreUrl, placeOfAddress } from './store-url.ts'

/** A file and what the schema made of it. */
export interface CheckedFile {
  parsed: ParsedFile
  settings: FileSettings
}

/** One of the sources or destinations, with the file that it stands in. */
interface Item<T> {
  value: T
  parsed: ParsedFile
  path: SettingPath
}

/**
 * What the files say together: sources and destinations one after the other, everything else in at most one file, the
 * defaults in place, and each name pointing at something. Pushes every problem; its answer holds only if there is none.
 */
export function mergeFiles(
  files: readonly CheckedFile[],
  defaults: { stateDirectory: string },
  problems: Problem[],
): AgentConfig {
  const single = <
    K extends 'host' | 'state' | 'machineId' | 'scanInterval' | 'drainTimeout' | 'spool' | 'rate' | 'listen' | 'log',
  >(
    key: K,
  ) => {
    const [first, ...others] = files.filter(({ settings }) => settings[key] !== undefined)
    for (const { parsed } of others) {
      problems.push(problemAt(parsed, [key], `is set in ${first?.parsed.file} as well`, 'keep one of them'))
    }
    return first?.settings[key]
  }
  const listen = single('listen')
  const destinations = items(files, 'destinations').map((item) => ({ ...item, value: toDestination(item.value) }))
  const sources = items(files, 'sources')
  const names = destinations.map((item) => item.value.name)
  checkDestinations(destinations, problems)
  checkSources(sources, names, problems)
  for (const [key, found] of [
    ['sources', sources],
    ['destinations', destinations],
  ] as const) {
    const main = files[0]
    if (found.length === 0 && main) problems.push(problemAt(main.parsed, [], `has no ${key}`, emptyFixes[key]))
  }
  return {
    host: single('host') ?? '{hostname}',
    stateDirectory: single('state') ?? defaults.stateDirectory,
    machineId: single('machineId'),
    sources: leaveOutMoved(sources.map((item) => toSource(item.value, names))),
    destinations: destinations.map((item) => item.value),
    scanIntervalMs: single('scanInterval') ?? 60_000,
    drainTimeoutMs: single('drainTimeout') ?? 20_000,
    spoolBytes: single('spool') ?? 2 ** 30,
    rate: single('rate'),
    listen: listen === undefined ? undefined : parseListenAddress(listen),
    log: single('log') ?? { level: 'info' },
  }
}

const emptyFixes = {
  sources: 'add, for example: sources: [{ name: system, include: ["/var/log/*.log*"] }]',
  destinations: 'add, for example: destinations: [{ url: "s3://bucket/prefix" }]',
}

type SourceSettings = NonNullable<FileSettings['sources']>[number]
type DestinationSettings = NonNullable<FileSettings['destinations']>[number]

function items(files: readonly CheckedFile[], key: 'sources'): Item<SourceSettings>[]
function items(files: readonly CheckedFile[], key: 'destinations'): Item<DestinationSettings>[]
function items(
  files: readonly CheckedFile[],
  key: 'sources' | 'destinations',
): Item<SourceSettings | DestinationSettings>[] {
  return files.flatMap(({ parsed, settings }) =>
    (settings[key] ?? []).map((value, index) => ({ value, parsed, path: [key, index] })),
  )
}

function toSource(settings: SourceSettings, destinations: readonly string[]): SourceConfig {
  const {
    sealAfter,
    minSize,
    maxDelay = 30_000,
    since,
    to,
    mode,
    as,
    compress = 'none',
    idle,
    period,
    ...same
  } = settings
  return {
    ...same,
    to: to ?? [...destinations],
    sealAfterMs: sealAfter,
    gathering: minSize === undefined ? undefined : { bytes: minSize, delayMs: maxDelay },
    sinceMs: since,
    whole: mode === 'when-complete' && as !== undefined ? { as, compress, idleMs: idle, periodMs: period } : undefined,
  }
}

function toDestination(settings: DestinationSettings): DestinationConfig {
  const { name, requestTimeout, retention, budget, ...same } = settings
  return {
    ...same,
    name: name ?? nameOfAddress(parseStoreUrl(settings.url)),
    requestTimeoutMs: requestTimeout,
    retentionMs: retention,
    budget: {
      burst: budget.burst,
      everyMs: budget.everySeconds * 1000,
      dollarsPerMonth: 'dollarsPerMonth' in budget ? budget.dollarsPerMonth : undefined,
    },
  }
}

function checkDestinations(destinations: readonly Item<DestinationConfig>[], problems: Problem[]): void {
  const places = new Map<string, Item<DestinationConfig>>()
  const names = new Map<string, Item<DestinationConfig>>()
  for (const item of destinations) {
    const { name, url, endpoint } = item.value
    const place = placeOfAddress(parseStoreUrl(url), endpoint)
    const samePlace = places.get(place)
    const sameName = names.get(name)
    if (samePlace) {
      problems.push(
        problemAt(
          item.parsed,
          [...item.path, 'url'],
          `${url} is ${placeText(samePlace, item)} as well`,
          'keep one of them',
        ),
      )
    } else if (sameName) {
      const message = `${name} is the name of ${placeText(sameName, item)}, too`
      problems.push(problemAt(item.parsed, [...item.path, 'name'], message, 'give one of them another name:'))
    }
    places.set(place, samePlace ?? item)
    names.set(name, sameName ?? item)
  }
}

function checkSources(
  sources: readonly Item<SourceSettings>[],
  destinations: readonly string[],
  problems: Problem[],
): void {
  const names = new Map<string, Item<SourceSettings>>()
  for (const item of sources) {
    const { name, to = [] } = item.value
    const sameName = names.get(name)
    if (sameName) {
      const message = `${name} is the name of ${placeText(sameName, item)}, too`
      problems.push(problemAt(item.parsed, [...item.path, 'name'], message, 'give one of them another'))
    }
    names.set(name, sameName ?? item)
    const [setting, message, fix] = afterProblem(item.value) ?? []
    if (setting && message) problems.push(problemAt(item.parsed, [...item.path, setting], message, fix))
    for (const [index, wanted] of to.entries()) {
      if (destinations.includes(wanted)) continue
      const meant = closest(wanted, destinations)
      const fix = meant ? `did you mean ${meant}?` : `there are ${destinations.join(', ') || 'none'}`
      problems.push(problemAt(item.parsed, [...item.path, 'to', index], `no destination is named ${wanted}`, fix))
    }
  }
}

/** Where the other one stands; with its file if that is another. */
function placeText(other: Item<unknown>, item: Item<unknown>): string {
  const path = pathText(other.path)
  return other.parsed.file === item.parsed.file ? path : `${path} in ${other.parsed.file}`
}
