import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The Grafana dashboard as code: `node packaging/prometheus/dashboard.ts` writes dashboard.json, which is what one imports.
 * Rows are questions, from the first that is asked at night to the last.
 */
interface Panel {
  title: string
  kind: 'stat' | 'timeseries' | 'table'
  unit?: string
  /** PromQL, and what its series are called. */
  queries: readonly (readonly [expr: string, legend: string])[]
  about: string
}

const agent = '{instance=~"$instance"}'
const at = (more: string): string => `{instance=~"$instance",destination=~"$destination"${more && `,${more}`}}`

const rows: readonly { title: string; panels: readonly Panel[] }[] = [
  {
    title: 'Is anything lost, or about to be?',
    panels: [
      {
        title: 'Agents',
        kind: 'stat',
        queries: [['count(logcask_agent_info)', 'agents']],
        about: 'How many were scraped.',
      },
      {
        title: 'Destinations that refuse',
        kind: 'stat',
        queries: [[`sum(logcask_destination_state${at('state="down"')})`, 'down']],
        about: 'Somebody has to act: logcask status says what.',
      },
      {
        title: 'Lost in a day',
        kind: 'stat',
        unit: 'bytes',
        queries: [[`sum(increase(logcask_lost_bytes_total${at('')}[1d]))`, 'lost']],
        about: 'Bytes that were seen and could not be delivered.',
      },
      {
        title: 'Gaps in a day',
        kind: 'stat',
        queries: [[`sum(increase(logcask_gaps_total${at('reason!="diverged"')}[1d]))`, 'gaps']],
        about: 'Each may stand for bytes that nobody saw.',
      },
      {
        title: 'Age of the oldest undelivered byte',
        kind: 'timeseries',
        unit: 's',
        queries: [[`logcask_lag_seconds${at('')}`, '{{instance}} → {{destination}}']],
        about: 'The one number to watch.',
      },
      {
        title: 'Undelivered',
        kind: 'timeseries',
        unit: 'bytes',
        queries: [[`logcask_lag_bytes${at('')}`, '{{instance}} → {{destination}}']],
        about: 'Bytes that are here and not there.',
      },
      {
        title: 'Spool',
        kind: 'timeseries',
        unit: 'percentunit',
        queries: [[`logcask_spool_bytes${agent} / logcask_spool_limit_bytes${agent}`, '{{instance}}']],
        about: 'What was deleted before it was delivered. Full means loss.',
      },
    ],
  },
  {
    title: 'What goes where?',
    panels: [
      {
        title: 'Delivered',
        kind: 'timeseries',
        unit: 'Bps',
        queries: [[`sum by (destination) (rate(logcask_acked_bytes_total${at('')}[5m]))`, '{{destination}}']],
        about: 'Bytes that came to be on chains.',
      },
      {
        title: 'Requests by what came back',
        kind: 'timeseries',
        unit: 'reqps',
        queries: [[`sum by (outcome) (rate(logcask_requests_total${at('')}[5m]))`, '{{outcome}}']],
        about: 'Anything but done and exists deserves a look at the destination.',
      },
      {
        title: 'Dollars in 30 days, at this hour’s pace',
        kind: 'timeseries',
        unit: 'currencyUSD',
        queries: [
          [`sum by (destination) (rate(logcask_request_dollars_total${at('')}[1h])) * 2592000`, '{{destination}}'],
        ],
        about: 'Requests alone, at the prices of S3 Standard.',
      },
      {
        title: 'Streams begun and sealed',
        kind: 'timeseries',
        queries: [
          [`sum(increase(logcask_streams_begun_total${at('')}[1h]))`, 'begun'],
          [`sum(increase(logcask_seals_total${at('')}[1h]))`, 'sealed'],
        ],
        about: 'Rotations an hour; the two stay close.',
      },
    ],
  },
  {
    title: 'How are the machines?',
    panels: [
      {
        title: 'Problems that stand',
        kind: 'timeseries',
        queries: [[`logcask_problems${agent}`, '{{instance}}']],
        about: 'logcask status names them; docs/runbook.md explains them.',
      },
      {
        title: 'Open files, of what may be open',
        kind: 'timeseries',
        unit: 'percentunit',
        queries: [[`logcask_open_files${agent} / logcask_open_files_limit${agent}`, '{{instance}}']],
        about: 'Beyond it idle files are closed and opened again.',
      },
      {
        title: 'Memory',
        kind: 'timeseries',
        unit: 'bytes',
        queries: [[`process_resident_memory_bytes${agent}`, '{{instance}}']],
        about: 'Resident.',
      },
      {
        title: 'CPU',
        kind: 'timeseries',
        unit: 'percentunit',
        queries: [[`rate(process_cpu_seconds_total${agent}[5m])`, '{{instance}}']],
        about: 'Of one core.',
      },
    ],
  },
  {
    title: 'Servers',
    panels: [
      {
        title: 'Published',
        kind: 'timeseries',
        unit: 'Bps',
        queries: [[`rate(logcask_published_bytes_total${agent}[5m])`, '{{instance}}']],
        about: 'Into the directory.',
      },
      {
        title: 'What the compactor met',
        kind: 'timeseries',
        queries: [[`sum by (kind) (increase(logcask_compactor_events_total${agent}[1h]))`, '{{kind}}']],
        about: 'tampered, mismatch and set-aside are never normal.',
      },
      {
        title: 'Answers',
        kind: 'timeseries',
        unit: 'reqps',
        queries: [[`sum by (status) (rate(logcask_http_answers_total${agent}[5m]))`, '{{status}}']],
        about: 'By kind of status.',
      },
      {
        title: 'Readers',
        kind: 'timeseries',
        queries: [[`sum by (kind) (logcask_http_readers${agent})`, '{{kind}}']],
        about: 'Being sent content, or following.',
      },
      {
        title: 'Hosts',
        kind: 'timeseries',
        queries: [[`sum by (sign) (logcask_hosts${agent})`, '{{sign}}']],
        about: 'By their signs of life, one an hour; silent: none for three hours, but within the last week.',
      },
    ],
  },
]

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in.
const source = { type: 'prometheus', uid: '${datasource}' }

function variable(name: string, query: string): Record<string, unknown> {
  return {
    name,
    type: 'query',
    datasource: source,
    query,
    definition: query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  }
}

function panelsOf(): Record<string, unknown>[] {
  const panels: Record<string, unknown>[] = []
  let y = 0
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { h: 1, w: 24, x: 0, y },
      panels: [],
    })
    y++
    let x = 0
    let height = 0
    for (const { title, kind, unit = 'short', queries, about } of row.panels) {
      const [w, h] = kind === 'stat' ? [6, 4] : [12, 8]
      if (x + w > 24) {
        x = 0
        y += height
        height = 0
      }
      panels.push({
        id: panels.length + 1,
        type: kind,
        title,
        description: about,
        datasource: source,
        gridPos: { h, w, x, y },
        fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
        options: kind === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : { legend: { displayMode: 'list' } },
        targets: queries.map(([expr, legendFormat], index) => ({
          datasource: source,
          expr,
          legendFormat,
          refId: String.fromCharCode(65 + index),
        })),
      })
      x += w
      height = h
    }
    y += height
  }
  return panels
}

/** What Grafana ≥ 10 imports; it asks for the data source. */
export function dashboard(): Record<string, unknown> {
  return {
    title: 'Logcask',
    uid: 'logcask',
    tags: ['logcask'],
    timezone: 'utc',
    schemaVersion: 39,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', current: {} },
        variable('instance', 'label_values(logcask_build_info, instance)'),
        variable('destination', 'label_values(logcask_lag_seconds, destination)'),
      ],
    },
    panels: panelsOf(),
  }
}

export const dashboardFile: string = join(import.meta.dirname, 'dashboard.json')

export function dashboardText(): string {
  return `${JSON.stringify(dashboard(), undefined, 2)}\n`
}

if (import.meta.main) writeFileSync(dashboardFile, dashboardText())
