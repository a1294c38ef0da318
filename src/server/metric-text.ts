/**
 * Metrics in the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). Pure. No labels of
 * files, paths or streams: how many series there are follows from the configuration alone.
 */
export interface MetricFamily {
  /** `logcask_<noun>_<unit>[_total]`, in base units. */
  name: string
  type: 'counter' | 'gauge'
  help: string
  samples: readonly Sample[]
}

export interface Sample {
  labels?: Readonly<Record<string, string>> | undefined
  value: number
}

export const metricContentType = 'text/plain; version=0.0.4; charset=utf-8'

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** A family without samples is left out. Throws for names that the format does not know: those are our own mistakes. */
export function metricText(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(familyText)
    .join('')
}

function familyText({ name, type, help, samples }: MetricFamily): string {
  if (!metricName.test(name)) throw new TypeError(`${name} is no name of a metric`)
  const lines = samples.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${valueText(value)}\n`)
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    if (!labelName.test(name) || name.startsWith('__')) throw new TypeError(`${name} is no name of a label`)
    return `${name}="${escapeLabel(value)}"`
  })
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  // Half a surrogate pair, as names that are not UTF-8 carry them, has no UTF-8 of its own.
  return text.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
