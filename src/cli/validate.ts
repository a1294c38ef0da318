import { readState } from '../agent/state/state.ts'
import { isCode, messageWithHint } from '../base/errors.ts'
import { textForPeople } from '../base/path-bytes.ts'
import type { AgentConfig } from '../config/agent-config.ts'
import { loadConfig } from '../config/load.ts'
import { afterWarnings } from './agent/after-rights.ts'
import { type Command, expectArguments, isSet, jsonOption, textOf } from './command.ts'
import { segmentBytesFor } from './compose/compose-destinations.ts'
import { nameMachine } from './compose/host.ts'
import { openFilesMax } from './compose/open-files.ts'
import { transportWarnings } from './compose/transport-warnings.ts'
import { exits } from './exit.ts'
import { tableLines } from './terminal/table.ts'
import type { Paint } from './terminal/terminal.ts'
import { formatBytes, formatCount, formatDollars } from './terminal/units.ts'
import { dollarsPerGib } from './validate/cost.ts'
import { findMatches } from './validate/matches.ts'
import { type Assessment, assess, stateWarnings } from './validate/validate-assess.ts'

export const command: Command = {
  name: 'validate',
  options: { config: { type: 'string', short: 'c' }, ...jsonOption },
  help: `
logcask validate [-c FILE] [--json]

Reads the configuration and what it matches on this machine; asks no destination (see logcask doctor).
  -c, --config FILE   default: /etc/logcask/agent.yaml, then agent.toml; YAML or TOML by the name,
                      with the fragments beside it in agent.d/

The bound in requests and dollars follows from each destination's budget: per file 20 requests at once, then one per
10 s (budget: { burst, everySeconds }, or a price for all: budget: 10 USD/month). Live is a file that changed within the
last hour; too old is what since: leaves out.

A configuration
  host: "{hostname}"
  sources:
    - { name: system, include: ["/var/log/syslog*", "/var/log/*.log*"], exclude: ["*.xz"] }
  destinations:
    - { name: eu, url: "s3://acme-logs-eu/prod/", region: eu-central-1 }
    - { name: nas, url: "file:///mnt/nas/logs", rate: 20MB/s }

Examples
  logcask validate
  logcask validate -c ./agent.yaml --json | jq .warnings

Exit status: 0 nothing is wrong (there may be warnings), 2 the configuration cannot be used`,
  async run({ values, positionals, terminal, clock, env }) {
    expectArguments(positionals, 'logcask validate [-c FILE]', 0, 0)
    const { config, files } = await loadConfig(textOf(values, 'config'), env)
    const { host, machineId } = await nameMachine(config, env, clock)
    const matches = await findMatches(config.sources)
    const assessed = assess(config, matches, {
      hasMachineId: machineId !== undefined,
      nowMs: clock.now(),
      openFilesMax: await openFilesMax(),
    })
    const assessment = {
      ...assessed,
      warnings: [
        ...(await readStateWarnings(config.stateDirectory, host)),
        ...assessed.warnings,
        ...(await afterWarnings(config.sources, matches)),
        ...transportWarnings(config.destinations, env, clock.now()),
      ],
    }
    if (isSet(values, 'json')) {
      await terminal.json({ files, host, machineId, stateDirectory: config.stateDirectory, ...assessment })
    } else {
      const text = [
        `${terminal.paint.green('ok')} ${files.join(', ')}`,
        ...reportLines(config, host, assessment, terminal.paint),
      ]
      await terminal.line(text.join('\n'))
      for (const warning of assessment.warnings) {
        terminal.warn(`${terminal.paintMessage.yellow('warning:')} ${textForPeople(warning)}`)
      }
    }
    return exits.done
  },
}

/** Only looks; a state directory that cannot be read, or of another version, is told as the agent would. */
async function readStateWarnings(directory: string, host: string): Promise<string[]> {
  try {
    return stateWarnings(directory, host, (await readState(directory))?.host)
  } catch (error) {
    if (isCode(error, 'unavailable', 'invalid')) return [messageWithHint(error)]
    throw error
  }
}

function reportLines(config: AgentConfig, host: string, assessment: Assessment, paint: Paint): string[] {
  const { sources, destinations } = assessment
  const sourceRows = sources.map(({ name, files, bytes, live, bytesPerDay, leftOut, to }) => [
    name,
    formatCount(files),
    formatBytes(bytes),
    formatCount(live),
    formatBytes(bytesPerDay),
    formatCount(leftOut),
    to.join(', '),
  ])
  const destinationRows = destinations.map(({ name, url, files, atMost, ifAllLive, storage }) => [
    name,
    url,
    formatCount(files),
    `≤ ${formatCount(atMost.requestsPerHour)}`,
    dollars(atMost.dollarsPerMonth),
    storage === undefined ? '–' : formatDollars(storage),
    `≤ ${formatCount(ifAllLive.requestsPerHour)}/h ${dollars(ifAllLive.dollarsPerMonth)}`,
  ])
  const paidFor = destinations.some(({ atMost }) => atMost.dollarsPerMonth !== undefined)
  return [
    `host ${host} · state ${config.stateDirectory}`,
    '',
    ...headed(
      tableLines([['SOURCE', 'FILES', 'BYTES', 'LIVE', 'PER DAY', 'TOO OLD', 'TO'], ...sourceRows], [1, 2, 3, 4, 5]),
      paint,
    ),
    '',
    ...headed(
      tableLines(
        [['DESTINATION', 'URL', 'FILES', 'REQUESTS/H', '$/MONTH', 'STORAGE', 'IF ALL WERE LIVE'], ...destinationRows],
        [2, 3, 4, 5],
      ),
      paint,
    ),
    ...(paidFor
      ? [
          `S3 Standard in us-east-1. Requests: small segments and the daily check; ${formatDollars(dollarsPerGib(segmentBytesFor(destinations.length)))} per GiB on top. Storage: what`,
          'the growth of the last day adds to the bill each month; in all, where retention is set.',
        ]
      : []),
  ]
}

function dollars(perMonth: number | undefined): string {
  return perMonth === undefined ? '–' : `≤ ${formatDollars(perMonth)}`
}

function headed([head = '', ...rows]: string[], paint: Paint): string[] {
  return [paint.bold(head), ...rows]
}
