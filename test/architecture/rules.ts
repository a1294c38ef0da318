import { posix } from 'node:path'
import { readSource } from './source-text.ts'

/**
 * What STYLE.md asks of the sources and a program can see. Paths are relative to the checkout, with '/'. Each rule gives
 * sentences that name the file and say what to do.
 */

/** From the top down: an import goes to a room further right, or stays in its own. */
const rooms: readonly (readonly string[])[] = [
  ['main', 'index'],
  ['library'],
  ['cli'],
  ['config', 'server', 'agent', 'compactor'],
  ['bucket'],
  ['format'],
  ['base'],
]

/** Who may import a room that is not for everybody above it. Settings are data: only cli and library turn them into components. */
const onlyFor: Readonly<Record<string, readonly string[]>> = {
  config: ['main', 'cli', 'library'],
  cli: ['main', 'library'],
  library: ['index'],
  main: [],
  index: [],
}

export const linesMax = 250

/** `src/agent/shipping/ship.ts` → `agent`; undefined for what is in no room. */
function roomOf(path: string): string | undefined {
  if (path === 'src/main.ts') return 'main'
  if (path === 'src/index.ts') return 'index'
  const room = /^src\/([^/]+)\//.exec(path)?.[1]
  return rooms.flat().find((name) => name === room)
}

const levelOf = (room: string): number => rooms.findIndex((names) => names.includes(room))

/** The file that a relative import names. */
function targetOf(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
}

export function checkRoom(path: string): string[] {
  return roomOf(path) === undefined ? [`${path}: is in no room: they are ${rooms.flat().join(', ')}`] : []
}

/** Imports go down only, and only where the room is for them. Types count: what a module knows of is what it depends on. */
export function checkDirection(path: string, source: string): string[] {
  const from = roomOf(path)
  if (from === undefined) return []
  return readSource(source).imports.flatMap(({ specifier }) => {
    const target = targetOf(path, specifier)
    if (target === undefined) return []
    // The version, which is nowhere else.
    if (target === 'package.json') return []
    const to = roomOf(target)
    if (to === undefined) return [`${path}: imports ${specifier}, which is no source`]
    if (to === from) return []
    const isDown = levelOf(to) > levelOf(from)
    const isAllowed = onlyFor[to]?.includes(from) ?? true
    return isDown && isAllowed ? [] : [`${path}: imports ${specifier}: ${from} must not know of ${to}`]
  })
}

export function checkLength(path: string, source: string): string[] {
  const lines = source.split('\n').length - (source.endsWith('\n') ? 1 : 0)
  return lines > linesMax ? [`${path}: has ${lines} lines: split it, ${linesMax} is the most`] : []
}

const emptyWords = ['util', 'utils', 'helper', 'helpers', 'common', 'type', 'types', 'manager', 'handler', 'misc']

export function checkName(path: string): string[] {
  return path
    .replace(/(?:\.test|\.config)?\.ts$/, '')
    .split('/')
    .flatMap((part) => {
      if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part)) return [`${path}: ${part} is not kebab-case`]
      const word = part.split('-').find((one) => emptyWords.includes(one))
      return word === undefined ? [] : [`${path}: '${word}' says nothing: name what it is or does`]
    })
}

interface Ban {
  pattern: RegExp
  why: string
  /** Where it belongs. */
  except: RegExp
}

const clockOnly = /^src\/base\/clock\.ts$/
const nowhere = /^$/
const takeClock = 'take a Clock (base/clock.ts)'

const bannedCalls: readonly Ban[] = [
  { pattern: /\bDate\s*\.\s*now\b/, why: takeClock, except: clockOnly },
  { pattern: /\bnew\s+Date\b(?!\s*\(\s*[^\s)])/, why: takeClock, except: clockOnly },
  { pattern: /\bperformance\s*\.\s*(?:now|timeOrigin)\b/, why: takeClock, except: clockOnly },
  { pattern: /\bprocess\s*\.\s*hrtime\b/, why: takeClock, except: clockOnly },
  { pattern: /(?<![.\w$])set(?:Timeout|Interval|Immediate)\b/, why: takeClock, except: clockOnly },
  { pattern: /\bglobalThis\s*\.\s*set(?:Timeout|Interval|Immediate)\b/, why: takeClock, except: clockOnly },
  { pattern: /\bAbortSignal\s*\.\s*timeout\b/, why: takeClock, except: clockOnly },
  { pattern: /\bMath\s*\.\s*random\b/, why: takeClock, except: clockOnly },
  {
    pattern: /\b(?:randomBytes|randomUUID|randomInt|randomFill|randomFillSync|getRandomValues)\b/,
    why: takeClock,
    except: /^src\/base\/(?:clock|atomic-file)\.ts$/,
  },
  { pattern: /\bprocess\s*\.\s*(?:exit|exitCode|abort)\b/, why: 'return it to main.ts', except: /^src\/main\.ts$/ },
  { pattern: /(?<![.\w$])console\s*\./, why: 'use the log, or stdout as an argument', except: nowhere },
  { pattern: /\bDelete(?!Message)\w*Command\b/, why: 'nothing in a bucket is ever deleted (I2)', except: nowhere },
]

const bannedImports: readonly Ban[] = [
  {
    pattern: /^@(?:aws-sdk|smithy)\//,
    why: 'only src/bucket/s3*.ts knows the SDK',
    except: /^src\/bucket\/s3[^/]*\.ts$/,
  },
  { pattern: /^(?:node:)?timers(?:\/promises)?$/, why: takeClock, except: clockOnly },
]

export function checkBans(path: string, source: string): string[] {
  const { imports, code } = readSource(source)
  const lines = code.split('\n')
  const calls = bannedCalls
    .filter(({ except }) => !except.test(path))
    .flatMap(({ pattern, why }) =>
      lines.flatMap((line, at) => {
        const found = pattern.exec(line)?.[0]
        return found === undefined ? [] : [`${path}:${at + 1}: ${found}: ${why}`]
      }),
    )
  const modules = bannedImports
    .filter(({ except }) => !except.test(path))
    .flatMap(({ pattern, why }) =>
      imports
        .filter(({ specifier }) => pattern.test(specifier))
        .map(({ specifier }) => `${path}: ${specifier}: ${why}`),
    )
  const silenced = /@ts-(?:ignore|nocheck|expect-error)/.exec(source)?.[0]
  return [...calls, ...modules, ...(silenced ? [`${path}: ${silenced}: mend what it silences`] : [])]
}

/** A test that never runs looks like one that passes; `skipIf` gives a reason. */
export function checkSkips(path: string, source: string): string[] {
  return [...readSource(source).code.matchAll(/\b(?:it|test|describe)\s*\.\s*(?:skip|only|todo|fails)\b/g)].map(
    ([found]) => `${path}: ${found}: delete it, mend it, or say with skipIf where it cannot run`,
  )
}

/**
 * Importing a module does nothing: what stands at the left margin declares. Cheap, and no proof: a constant may still
 * call something that acts.
 */
export function checkImportTime(path: string, source: string): string[] {
  if (path === 'src/main.ts') return []
  const statement =
    /^(?!if \(import\.meta\.main\))(?:(?:await|throw|try|void|new)\b|[A-Za-z_$][\w$.]*\s*\(|[A-Za-z_$][\w$.[\]]*\s*[+-]?=(?!=))/
  const constant = /^(?:export\s+)?(?:const|let)\b(?!.*=>).*(?:\bawait\b|\bprocess\s*\.\s*(?:env|argv|cwd)\b|Sync\s*\()/
  return readSource(source)
    .code.split('\n')
    .flatMap((line, at) =>
      statement.test(line) || constant.test(line)
        ? [`${path}:${at + 1}: works when it is imported: ${line.trim()}`]
        : [],
    )
}

/** Each cycle of imports once, as the files on it. `sources` has every file. Types do not count: nothing is loaded for them. */
export function findCycles(sources: ReadonlyMap<string, string>): string[] {
  const edges = new Map(
    [...sources].map(([path, source]) => [
      path,
      readSource(source).imports.flatMap(({ specifier, kind, names }) => {
        const target = targetOf(path, specifier)
        return kind === 'static' && target !== undefined && !/^type\b/.test(names) ? [target] : []
      }),
    ]),
  )
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const from = trail.indexOf(path)
    if (from >= 0) cycles.push([...trail.slice(from), path].join(' → '))
    if (from >= 0 || done.has(path)) return
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return cycles
}
