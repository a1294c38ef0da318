/**
 * A strict reader of the Prometheus text format 0.0.4, by its grammar (prometheus.io/docs/instrumenting/exposition_formats)
 * and promtool's rules for the families: what a lenient scraper would let pass is an error here.
 */
export interface ParsedSample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface ParsedFamily {
  type: string
  help: string
  samples: ParsedSample[]
}

const helpLine = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\\n]|\\\\|\\n)*)$/
const typeLine = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^\n]*)\})? (\S+)$/
const number = /^(?:[+-]Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/

export function parseMetrics(text: string): Map<string, ParsedFamily> {
  const families = new Map<string, ParsedFamily>()
  if (text === '') return families
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  let help: { name: string; text: string } | undefined
  let current: [string, ParsedFamily] | undefined
  const series = new Set<string>()
  for (const line of text.slice(0, -1).split('\n')) {
    const asHelp = helpLine.exec(line)
    const asType = typeLine.exec(line)
    if (asHelp) {
      help = { name: asHelp[1] as string, text: unescaped(asHelp[2] as string, false) }
    } else if (asType) {
      const name = asType[1] as string
      if (help?.name !== name) throw new Error(`${name}: no help before its type`)
      if (families.has(name)) throw new Error(`${name}: its lines do not stand together`)
      current = [name, { type: asType[2] as string, help: help.text, samples: [] }]
      families.set(...current)
      checkFamily(name, current[1])
    } else {
      const [, name = '', labelText, value = ''] = sampleLine.exec(line) ?? []
      if (current === undefined || name !== current[0]) throw new Error(`stray line: ${line}`)
      if (!number.test(value)) throw new Error(`no number: ${line}`)
      const labels = labelText === undefined ? {} : parseLabels(labelText)
      const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`
      if (series.has(key)) throw new Error(`twice: ${key}`)
      series.add(key)
      current[1].samples.push({ name, labels, value: Number(value.replace('Inf', 'Infinity')) })
    }
  }
  return families
}

/** What promtool's linter asks for. */
function checkFamily(name: string, { type, help }: ParsedFamily): void {
  if (help.trim() === '') throw new Error(`${name}: no help`)
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name}: only counters end in _total`)
  if (/_(milliseconds|ms|minutes|hours|kb|mb|kilobytes|megabytes)(_|$)/.test(name))
    throw new Error(`${name}: is not in base units`)
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== '') {
    const [whole, name = '', value = '', comma] =
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\n|\\")*)"(,|$)/.exec(rest) ?? []
    if (whole === undefined) throw new Error(`no label: ${rest}`)
    if (name in labels) throw new Error(`label twice: ${name}`)
    labels[name] = unescaped(value, true)
    rest = rest.slice(whole.length)
    if (comma === ',' && rest === '') throw new Error(`a comma too many: ${text}`)
  }
  return labels
}

function unescaped(text: string, isLabel: boolean): string {
  return text.replace(isLabel ? /\\([\\n"])/g : /\\([\\n])/g, (_, character: string) =>
    character === 'n' ? '\n' : character,
  )
}

/** The one value of a series; undefined where there is none. */
export function valueIn(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = families
    .get(name)
    ?.samples.filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
  if (found !== undefined && found.length > 1) throw new Error(`${name}: ${found.length} series have these labels`)
  return found?.[0]?.value
}
