import { hostname } from 'node:os'
import { pathForPeople, textForPeople } from '../base/path-bytes.ts'
import { type Finding, type ProbeReport, probe } from '../bucket/probe.ts'
import type { DestinationConfig } from '../config/agent-config.ts'
import { type Command, didYouMean, expectArguments, isSet, jsonOption, textOf, usageError } from './command.ts'
import { openBucket, storeHelp, storeOptions, storeSettings } from './compose/open-bucket.ts'
import { exits } from './exit.ts'
import { tableLines } from './terminal/table.ts'
import type { Paint } from './terminal/terminal.ts'

export const command: Command = {
  name: 'doctor',
  options: { host: { type: 'string' }, config: { type: 'string', short: 'c' }, ...storeOptions, ...jsonOption },
  help: `
logcask doctor URL [--host H] [store options] [--json]
logcask doctor NAME -c FILE [--host H] [--json]

Writes a few small objects below probes/<host>/, tries to overwrite them (which the store must refuse), reads and lists
them, and lets twenty writers race for one key, ten times. Nothing is deleted: nothing ever is.
  -c, --config FILE    a destination of this configuration, with its role, its key and its storage class
  --host H             the host whose permissions are tried; default: this one's name

${storeHelp}

Examples
  logcask doctor s3://acme-logs/prod --profile log-agent
  logcask doctor s3://logs --endpoint https://minio.example:9000 --ca /etc/logcask/ca.pem
  logcask doctor file:///mnt/nas/logs
  logcask doctor acme-eu -c /etc/logcask/agent.yaml

Exit status: 0 logs may be shipped there, 1 they must not, 75 it did not answer: try again`,
  async run({ values, positionals, terminal, signal, clock, env }) {
    expectArguments(positionals, 'logcask doctor URL', 1, 1)
    const [named = ''] = positionals
    const file = textOf(values, 'config')
    const { url, ...store } =
      file === undefined ? { url: named, ...storeSettings(values) } : await destinationIn(file, named, env)
    // Never made here: an empty mount point must not turn into a store by being looked at.
    const bucket = await openBucket(url, store, 'write', clock, { create: false })
    try {
      const report = await probe(bucket, { host: textOf(values, 'host') ?? hostname(), clock, signal, full: true })
      if (isSet(values, 'json')) await terminal.json({ url: bucket.url, ...report })
      else await terminal.line(reportLines(report, bucket.url, terminal.paint).join('\n'))
      return report.passed ? exits.done : exits.failed
    } finally {
      await bucket.close()
    }
  },
}

/** By its name or its URL. */
async function destinationIn(file: string, named: string, env: NodeJS.ProcessEnv): Promise<DestinationConfig> {
  const { loadConfig } = await import('../config/load.ts')
  const { destinations } = (await loadConfig(file, env)).config
  const found = destinations.find(({ name, url }) => name === named || url === named)
  if (found !== undefined) return found
  const names = destinations.map(({ name }) => name)
  throw usageError(`${file} has no destination ${named}${didYouMean(named, names)}`, `there are ${names.join(', ')}`)
}

/** The report as people read it: each check, then what to do. What a store said is cleaned before colours are put in. */
export function reportLines(report: ProbeReport, url: string, paint: Paint): string[] {
  const rows = report.findings.map(({ check, state, seen }) => [check, stateText(state, paint), textForPeople(seen)])
  const fixes = new Set(report.findings.flatMap(({ state, fix }) => (state === 'failed' && fix ? [fix] : [])))
  return [
    ...tableLines(rows),
    ...[...fixes].map((fix) => `${paint.bold('fix:')} ${textForPeople(fix)}`),
    report.passed ? `ready: logcask ship PATH --to ${quoted(pathForPeople(url))}` : paint.red('do not ship yet'),
  ]
}

/** As a shell takes it: an unquoted ? is a pattern. */
function quoted(text: string): string {
  return /^[A-Za-z0-9:/._%@+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function stateText(state: Finding['state'], paint: Paint): string {
  if (state === 'ok') return paint.green('ok')
  return state === 'failed' ? paint.red('FAIL') : '–'
}
