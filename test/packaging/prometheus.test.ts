import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { dashboardFile, dashboardText } from '../../packaging/prometheus/dashboard.ts'
import { noUsage } from '../../src/bucket/metered.ts'
import { agentMetrics } from '../../src/cli/agent/agent-metrics.ts'
import type { DestinationStatus } from '../../src/cli/agent/agent-status.ts'
import { EventCounts } from '../../src/cli/agent/event-counts.ts'
import { ServeCounts, serveMetrics } from '../../src/cli/serve/serve-metrics.ts'
import { ServerLoad } from '../../src/server/load.ts'
import { type MetricFamily, metricText } from '../../src/server/metric-text.ts'
import { parseMetrics } from '../support/metric-parser.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const room = join(import.meta.dirname, '../../packaging/prometheus')
const promtool = [
  ...(process.env.LOGCASK_PROMTOOL ? [process.env.LOGCASK_PROMTOOL] : []),
  ...(process.env.PATH ?? '').split(':').map((directory) => join(directory, 'promtool')),
].find((path) => existsSync(path))

interface Rule {
  alert: string
  expr: string
  annotations: { runbook: string; summary: string }
}

const rules = (
  parse(await readFile(join(room, 'rules.yaml'), 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules)

function panelQueries(): string[] {
  const { panels } = JSON.parse(dashboardText()) as { panels: { targets?: { expr: string }[] }[] }
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
}

const process_ = { residentBytes: 1, cpuSeconds: 1, startedAtMs: 1 }

/** What agents and servers really show, with their labels, by the families that they are made of. */
function shown(): Map<string, Map<string, Set<string>>> {
  const destination: DestinationStatus = {
    name: 'eu',
    url: 's3://x',
    state: 'ok',
    behindBytes: 0,
    ackedBytes: 0,
    oldestSeconds: 0,
    filesBehind: 0,
    losses: 0,
    requests: 0,
    dollars: 0,
  }
  const agent = agentMetrics({
    status: {
      v: 1,
      pid: 1,
      host: 'h',
      startedAt: '',
      updatedAt: '',
      files: 0,
      bytes: 0,
      forks: 0,
      losses: 0,
      problems: [],
      destinations: [destination],
      spool: { bytes: 1, bytesMax: 2 },
    },
    counts: new EventCounts(),
    usages: new Map([['eu', noUsage()]]),
    agentId: 'a',
    version: '1',
    openFilesMax: 1,
    scanAgeSeconds: 1,
    checkpointAgeSeconds: 1,
    reload: { isSuccessful: true, atMs: 1 },
    process: process_,
  })
  const server = serveMetrics({
    version: '1',
    counts: new ServeCounts(),
    load: new ServerLoad(),
    usage: noUsage(),
    hosts: new Map([['alive', 1]]),
    process: process_,
  })
  const metrics = new Map<string, Map<string, Set<string>>>()
  const add = (families: readonly MetricFamily[]): void => {
    for (const [name, { samples }] of parseMetrics(metricText(families))) {
      const labels = metrics.get(name) ?? new Map<string, Set<string>>()
      for (const sample of samples)
        for (const [label, value] of Object.entries(sample.labels))
          labels.set(label, (labels.get(label) ?? new Set()).add(value))
      metrics.set(name, labels)
    }
  }
  add(agent)
  add(server)
  return metrics
}

describe('alert rules and dashboard', () => {
  it('name only metrics, labels and values that agents and servers show', () => {
    const metrics = shown()
    const problems: string[] = []
    for (const expr of [...rules.map((rule) => rule.expr), ...panelQueries()]) {
      for (const [, name = '', selector = ''] of expr.matchAll(/\b((?:logcask|process)_[a-z_]+)(?:\{([^}]*)\})?/g)) {
        const labels = metrics.get(name)
        if (labels === undefined) problems.push(`${name} is no metric: ${expr}`)
        for (const [, label = '', operator, value = ''] of selector.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
          if (label === 'instance' || value.startsWith('$')) continue
          const values = labels?.get(label)
          const isThere = value.split('|').every((one) => values?.has(one))
          if (!isThere) problems.push(`${name} has no ${label}${operator}"${value}"`)
        }
      }
    }
    expect(problems).toEqual([])
    expect(rules.length).toBeGreaterThan(10)
  })

  it('each alert has its paragraph in the runbook', async () => {
    const runbook = await readFile(join(room, '../../docs/runbook.md'), 'utf8')
    const alerts = /^## Alerts$([\s\S]*)/m.exec(runbook)?.[1] ?? ''
    const headings = [...alerts.matchAll(/^### `(\w+)`$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual(rules.map(({ alert }) => alert))
    for (const { alert, annotations } of rules)
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`)
  })

  it('the dashboard in the repository is the one that its source makes', async () => {
    expect(JSON.parse(await readFile(dashboardFile, 'utf8'))).toEqual(JSON.parse(dashboardText()))
  })

  it('no panel lies over another', () => {
    const { panels } = JSON.parse(dashboardText()) as {
      panels: { gridPos: { x: number; y: number; w: number; h: number } }[]
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })
})

describe.skipIf(promtool === undefined)('promtool (not run where there is none: apt install prometheus)', () => {
  const run = (...args: string[]): string =>
    execFileSync(promtool!, args, { cwd: room, encoding: 'utf8', stdio: 'pipe' })

  it('takes the rules, and they fire when they should and not otherwise', () => {
    expect(run('check', 'rules', 'rules.yaml')).toContain(`${rules.length} rules found`)
    expect(run('test', 'rules', 'rules.test.yaml')).toContain('SUCCESS')
  })

  it('every alert is fired by its test', async () => {
    const tested = await readFile(join(room, 'rules.test.yaml'), 'utf8')
    for (const { alert } of rules) expect(tested).toMatch(new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:\\n\\s+- `))
  })

  it('takes every query of the dashboard', async () => {
    const directory = await tempDirectory('queries')
    const file = join(directory, 'queries.yaml')
    const records = panelQueries().map((expr, at) => ({ record: `panel_${at}`, expr: expr.replaceAll('$', '') }))
    await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules: records }] }))
    expect(run('check', 'rules', file)).toContain(`${records.length} rules found`)
  })

  it('finds nothing to complain of in what servers show', () => {
    const text = metricText(serverFamilies())
    execFileSync(promtool!, ['check', 'metrics'], { input: text, stdio: 'pipe' })
  })
})

function serverFamilies(): readonly MetricFamily[] {
  return serveMetrics({
    version: '1',
    counts: new ServeCounts(),
    load: new ServerLoad(),
    usage: noUsage(),
    hosts: new Map([['alive', 1]]),
    process: process_,
  })
}
