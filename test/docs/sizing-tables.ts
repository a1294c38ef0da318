import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { segmentBytesFor } from '../../src/cli/compose/compose-destinations.ts'
import { formatBytes, formatCount, formatDollars, formatSpan } from '../../src/cli/terminal/units.ts'
import { dollarsPerGib, requestBound, storageDollars } from '../../src/cli/validate/cost.ts'
import { checkout } from './known-words.ts'

/**
 * The tables of docs/sizing.md that follow from the prices and bounds that `logcask validate` computes with:
 * `node test/docs/sizing-tables.ts` writes them anew between their markers, and a test holds the page to them.
 */
const usual = { burst: 20, everyMs: 10_000 }

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function requests(): string {
  const fleets = [
    [10, 1],
    [100, 10],
    [1_000, 100],
    [10_000, 100],
    [10_000, 1_000],
  ] as const
  return table(
    ['files', 'of which grow without a pause', 'requests an hour, at most', 'dollars a month, at most'],
    fleets.map(([files, active]) => {
      const { requestsPerHour, dollarsPerMonth } = requestBound(files, active, usual)
      return [files, active, requestsPerHour].map(formatCount).concat(formatDollars(dollarsPerMonth))
    }),
  )
}

function budgets(): string {
  const choices = [
    ['`{ burst: 20, everySeconds: 1 }`', { burst: 20, everyMs: 1_000 }],
    ['`{ burst: 20, everySeconds: 10 }` (default)', usual],
    ['`{ burst: 20, everySeconds: 60 }`', { burst: 20, everyMs: 60_000 }],
    ['`{ burst: 20, everySeconds: 600 }`', { burst: 20, everyMs: 600_000 }],
  ] as const
  return table(
    ['`budget` of a destination', 'a byte waits at most', 'requests an hour', 'dollars a month'],
    choices.map(([text, budget]) => {
      const { requestsPerHour, dollarsPerMonth } = requestBound(100, 100, budget)
      return [text, formatSpan(budget.everyMs), formatCount(requestsPerHour), formatDollars(dollarsPerMonth)]
    }),
  )
}

const dayMs = 86_400_000

function storage(): string {
  const perDay = [2 ** 30, 10 * 2 ** 30, 100 * 2 ** 30, 2 ** 40]
  return table(
    ['bytes a day', 'requests for them, a month', 'kept 30 days', 'kept 90 days', 'kept a year'],
    perDay.map((bytes) => [
      formatBytes(bytes),
      formatDollars((dollarsPerGib(segmentBytesFor(1)) * bytes * 30.4) / 2 ** 30),
      ...[30, 90, 365].map((days) => `${formatDollars(storageDollars(bytes, days * dayMs))} a month`),
    ]),
  )
}

function spool(): string {
  const rates = [100 * 2 ** 20, 2 ** 30, 10 * 2 ** 30]
  const sizes = [2 ** 30, 4 * 2 ** 30, 32 * 2 ** 30]
  return table(
    ['deleted undelivered, an hour', ...sizes.map((size) => `\`spool: ${formatBytes(size).replace('.0 ', '')}\``)],
    rates.map((rate) => [formatBytes(rate), ...sizes.map((size) => formatSpan((size / rate) * 3_600_000))]),
  )
}

const tables: Readonly<Record<string, () => string>> = { requests, budgets, storage, spool }

export const sizingPage: string = join(checkout, 'docs/sizing.md')

/** The page with its tables as they are computed now. */
export function withTables(page: string): string {
  return page.replace(
    /(<!-- (\w+) -->\n)(?:\|.*\n)*(<!-- end -->)/g,
    (whole, head: string, name: string, end: string) => {
      const make = tables[name]
      return make === undefined ? whole : `${head}${make()}\n${end}`
    },
  )
}

if (import.meta.main) writeFileSync(sizingPage, withTables(readFileSync(sizingPage, 'utf8')))
