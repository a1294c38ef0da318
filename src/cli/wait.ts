import { localFiles } from '../agent/files/local-files.ts'
import { scanPatterns } from '../agent/files/scan.ts'
import { sampleAt } from '../agent/identity/content.ts'
import type { Life } from '../agent/life.ts'
import { isCode, LogcaskError } from '../base/errors.ts'
import { pathForPeople } from '../base/path-bytes.ts'
import { type Command, type CommandInput, durationOf, isSet, jsonOption, textOf, usageError } from './command.ts'
import { exits } from './exit.ts'
import { resolvePaths } from './ship/ship-paths.ts'
import { type Mark, standingOf } from './ship/wait-judge.ts'
import { type AgentPlace, findAgent } from './status/status-place.ts'
import { countText, formatBytes } from './terminal/units.ts'

export const command: Command = {
  name: 'wait',
  help: `
logcask wait PATH|GLOB… [--to NAME] [--timeout 1m]

A delivery barrier: waits until the running agent has delivered all that is in these files at the call, to every
destination of theirs. What is appended later is not waited for, nor what a pattern or a directory gives and no source
asks for. Run it as the agent's user, or as root.

      --to NAME       only this destination
      --timeout 1m    give up then, with exit status 75, and name what is behind (default: 1m)
  -c, --config FILE   of the agent; default: /etc/logcask/agent.yaml, then agent.toml
      --state DIR     its state directory, instead of the configuration's
      --json          one JSON object per file and destination

Examples
  logcask wait /var/log/app.log --timeout 30s       # logrotate's prerotate, a container's preStop: docs/farewell.md
  logcask wait 'build/logs/*.log' --to eu && echo delivered

Exit status: 0 delivered · 1 no agent runs, or it does not watch a file · 2 usage · 3 bytes were lost meanwhile ·
75 not delivered in time`,
  options: {
    to: { type: 'string' },
    timeout: { type: 'string' },
    config: { type: 'string', short: 'c' },
    state: { type: 'string' },
    ...jsonOption,
  },
  run: wait,
}

/** The agent writes its record once a second. */
const lookEveryMs = 200
/** A file that no record knows is asked about again after this: its source may not have been scanned yet. */
const scanEveryMs = 2_000

interface Row {
  path: string
  destination: string
  state: 'delivered' | 'behind' | 'lost' | 'unknown'
  behind: number
}

async function wait(input: CommandInput): Promise<number> {
  const { values, positionals, clock, signal } = input
  if (positionals.length === 0) throw usageError('no file is named', 'logcask wait PATH…')
  const endMs = clock.monotonic() + (durationOf(values, 'timeout') ?? 60_000)
  let marks = await marksOf(positionals)
  const first = await placeOf(input)
  const to = textOf(values, 'to')
  if (to !== undefined && !first.destinations.includes(to))
    throw usageError(`--to ${to}: no such destination`, `there are ${first.destinations.join(', ') || 'none'}`)
  if (marks.length === 0)
    throw usageError(`no file matches ${positionals.map(pathForPeople).join(' ')}`, 'check the name')
  let scannedMs = Number.NEGATIVE_INFINITY
  for (;;) {
    signal.throwIfAborted()
    const place = await placeOf(input)
    const rows = await rowsOf(marks, place, to)
    const unknown = rows.filter(({ state }) => state === 'unknown')
    if (unknown.length > 0 && clock.monotonic() - scannedMs > scanEveryMs) {
      const leftOut = await findUnwatched(unknown, marks, place)
      marks = marks.filter(({ path }) => !leftOut.has(path))
      scannedMs = clock.monotonic()
    }
    if (unknown.some(({ path }) => !marks.some((mark) => mark.path === path))) continue
    const isOver = rows.every(({ state }) => state === 'delivered' || state === 'lost')
    if (isOver || clock.monotonic() >= endMs) return conclude(input, rows)
    await clock.sleep(lookEveryMs, signal)
  }
}

async function marksOf(given: readonly string[]): Promise<Mark[]> {
  const paths = await resolvePaths(given)
  const { found } = await scanPatterns([{ name: 'wait', ...paths, exclude: [], followSymlinks: false }])
  // A file system without birth times has identities of its own, and the agent the same (why-local.ts).
  const files = localFiles({ birthTimes: true, spoolDirectory: '' })
  const named = new Set(paths.literal)
  const marks: Mark[] = []
  for (const path of found.keys()) {
    const file = await files.open(path, false)
    if (file === undefined) continue
    marks.push({ path, identity: file.identity, size: file.stat().size, isNamed: named.has(path) })
    await file.close()
  }
  return marks
}

/** Rejects where no agent runs: nobody delivers, and nothing is to be waited for. */
async function placeOf(input: CommandInput): Promise<AgentPlace> {
  const place = await findAgent(input)
  const isRunning = place.isLocked ?? (place.status !== undefined && !place.hasEnded)
  if (isRunning) return place
  throw new LogcaskError('refused', `${place.directory}: no agent works here`, {
    hint: 'start it (logcask agent), name its configuration with -c, or deliver without it: logcask ship, logcask drain',
  })
}

async function rowsOf(marks: readonly Mark[], place: AgentPlace, to: string | undefined): Promise<Row[]> {
  const lives = Map.groupBy(place.lives, ({ identity }) => identity)
  const rows: Row[] = []
  for (const mark of marks) {
    if (mark.size === 0) continue
    const known = lives.get(mark.identity) ?? []
    const life = known.findLast(({ ended }) => ended === undefined) ?? known.at(-1)
    rows.push(...(life === undefined ? [unknownRow(mark, to)] : await rowsOfLife(mark, life, to)))
  }
  return rows
}

function unknownRow({ path, size }: Mark, to: string | undefined): Row {
  return { path, destination: to ?? '', state: 'unknown', behind: size }
}

async function rowsOfLife(mark: Mark, life: Life, to: string | undefined): Promise<Row[]> {
  const rows: Row[] = []
  const file = await localFiles({ birthTimes: !mark.identity.startsWith('0-'), spoolDirectory: '' }).open(
    life.path,
    false,
  )
  try {
    for (const [destination, delivery] of life.deliveries) {
      if (to !== undefined && destination !== to) continue
      const isSame = file?.identity === mark.identity
      const standing = await standingOf(mark, life, delivery, (footprint) =>
        // Rotated or deleted since: the agent has it open, and knows it by that.
        file !== undefined && isSame
          ? sampleAt({ file, size: file.stat().size }, footprint)
          : Promise.reject(new LogcaskError('unavailable', `${pathForPeople(life.path)}: is not there`)),
      ).catch((error) => {
        if (isCode(error, 'unavailable') && !isSame) return { kind: 'delivered' } as const
        throw error
      })
      const behind = standing.kind === 'behind' ? standing.bytes : 0
      rows.push({ path: mark.path, destination, state: standing.kind, behind })
    }
  } finally {
    await file?.close()
  }
  return rows.length > 0 ? rows : [unknownRow(mark, to)]
}

/**
 * Files that no source asks for, and that nobody named: a pattern gave them. Rejects for those that were named, for what
 * does not go to that destination, and where nothing is left: their day would never come.
 */
async function findUnwatched(
  rows: readonly Row[],
  marks: readonly Mark[],
  { config }: AgentPlace,
): Promise<ReadonlySet<string>> {
  const unwatched = new Set<string>()
  if (config === undefined) return unwatched
  const { found } = await scanPatterns(config.sources)
  const isNamed = new Set(marks.filter((mark) => mark.isNamed).map(({ path }) => path))
  for (const { path, destination } of rows) {
    const source = config.sources.find(({ name }) => name === found.get(path))
    if (source === undefined) unwatched.add(path)
    if (source === undefined && !isNamed.has(path) && unwatched.size < marks.length) continue
    if (source === undefined)
      throw new LogcaskError('refused', `${pathForPeople(path)}: the agent does not watch it`, {
        hint: 'add it to a source, or deliver it by hand: logcask ship',
      })
    if (source.whole !== undefined)
      throw new LogcaskError('refused', `${pathForPeople(path)}: is delivered whole, once it is complete`, {
        hint: 'nothing of it is delivered before; logcask agent --once delivers what is complete, and says what is not',
      })
    if (destination !== '' && !source.to.includes(destination))
      throw new LogcaskError('refused', `${pathForPeople(path)}: source ${source.name} does not go to ${destination}`, {
        hint: `it goes to ${source.to.join(', ')}`,
      })
  }
  return unwatched
}

async function conclude({ values, terminal }: CommandInput, rows: readonly Row[]): Promise<number> {
  if (isSet(values, 'json')) for (const row of rows) await terminal.json(row)
  for (const { path, destination, state, behind } of rows) {
    const shown = `${pathForPeople(path)}${destination === '' ? '' : ` → ${destination}`}`
    if (state === 'lost') terminal.warn(`${shown}: was cut or deleted before all of it was delivered`)
    else if (state !== 'delivered') terminal.warn(`${shown}: ${formatBytes(behind)} behind`)
  }
  const late = rows.filter(({ state }) => state === 'behind' || state === 'unknown')
  if (late.length > 0) {
    terminal.warn(`fix: logcask status says what stands in the way; wait again, or longer: --timeout`)
    return exits.undelivered
  }
  if (rows.some(({ state }) => state === 'lost')) return exits.lossy
  terminal.say(`${countText(new Set(rows.map(({ path }) => path)).size, 'file')} delivered`)
  return exits.done
}
