import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { restByEvents, restByPolling } from '../../src/cli/compact/rest-cost.ts'
import { requestBound } from '../../src/cli/validate/cost.ts'
import { checkout } from './known-words.ts'

const page = await readFile(join(checkout, 'docs/fleet.md'), 'utf8')

/** The row of a table that begins with `name`: its other cells. */
function cells(name: string): string[] {
  const row = page.split('\n').find((line) => line.startsWith(`| ${name} |`))
  if (row === undefined) throw new Error(`no row ${name}`)
  return row
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())
}

const dollars = (amount: number): string => `$${Math.round(amount).toLocaleString('en-US')}`
const hosts = 100_000
const streams = 5
const segmentsPerDay = 86_400 / 300
const daysPerMonth = 730 / 24
/** Of the whole fleet in a month, in millions. */
const segments = (hosts * streams * segmentsPerDay * daysPerMonth) / 1e6
const seals = (hosts * streams * daysPerMonth) / 1e6
const [write, read, message] = [5, 0.4, 0.4]

it('the plan for 100,000 hosts adds up, by the prices and bounds that validate states', () => {
  const agents = requestBound(streams, streams, { burst: 20, everyMs: 300_000 })
  const agentsDollars = agents.dollarsPerMonth * hosts + seals * write
  expect(cells('agents')).toEqual([expect.stringContaining('1,667 PUT/s'), dollars(agentsDollars)])
  // Each message is sent, received with nine others, and removed with nine others.
  const queueDollars = (segments + seals) * 1.2 * message
  expect(cells('queue')[1]).toBe(dollars(queueDollars))
  const directoryDollars = segments * read + seals * 2 * write
  expect(cells('directories')[1]).toBe(dollars(directoryDollars))
  expect(cells('directories, versioned bucket')[1]).toBe(dollars(directoryDollars + segments * write))
  const archiveDollars = segments * read + seals * (3 * write + 3 * read + 1.2 * message)
  expect(cells('archive')[1]).toBe(dollars(archiveDollars))
  // Three weeks of segments, a year of seals, and gaps: pages of 1,000.
  const pages = Math.ceil((streams * segmentsPerDay * 21) / 1000) + Math.ceil((streams * 365) / 1000) + 1
  const listing = restByEvents(hosts * pages, 86_400_000)
  expect(cells('listing everything')).toEqual([
    expect.stringContaining(`${pages} LIST`),
    dollars(listing.dollarsPerMonth),
  ])
  // Two every two hours: the digest of the hour is not there yet.
  const signsDollars = (hosts * 24 * daysPerMonth * write) / 1e6
  expect(cells('signs of life')).toEqual([expect.stringContaining('24 LIST'), dollars(signsDollars)])
  const sum = agentsDollars + queueDollars + directoryDollars + archiveDollars + listing.dollarsPerMonth + signsDollars
  expect(cells('**sum**')[1]).toBe(`**${dollars(sum)}**`)
})

it('what polling would cost', () => {
  const pace = { intervalMinMs: 5000, intervalMaxMs: 60_000, fullIntervalMs: 3_600_000 }
  const polled = restByPolling(hosts, hosts * 34, pace)
  expect(page).toContain(`${dollars(polled.dollarsPerMonth)} a month`)
  expect(page).toContain(`$${restByPolling(20, 20 * 3, pace).dollarsPerMonth.toFixed(0)} a month with 20 hosts`)
})
