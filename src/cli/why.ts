import { resolve } from 'node:path'
import { pathForPeople } from '../base/path-bytes.ts'
import {
  type Command,
  type CommandInput,
  expectArguments,
  isSet,
  jsonOption,
  textOf,
  textsOf,
  usageError,
} from './command.ts'
import { nameMachine } from './compose/host.ts'
import { storeHelp, storeOptions, storeSettings } from './compose/open-bucket.ts'
import { exits } from './exit.ts'
import { type AgentPlace, findAgent } from './status/status-place.ts'
import { presenceOf } from './status/status-report.ts'
import { type AskedDestination, askDestination } from './why/why-ask.ts'
import type { WhyFacts } from './why/why-facts.ts'
import { copySources, openSubject, recordOf, sourceOfPath } from './why/why-local.ts'
import { decideByAnswer, decideByRecord, whyLines } from './why/why-text.ts'
import { type WhyWhole, whyWhole, whyWholeLines } from './why/why-whole.ts'

export const command: Command = {
  name: 'why',
  help: `Usage: logcask why PATH [-c FILE | --state DIR] [--to URL…] [--json]

Says which stream a file belongs to, by which evidence, how far each destination has it, and what it waits for: from the
agent's checkpoint and the file as it is now. Where the checkpoint has no record (or with --to) the destinations are
asked. Only reads: no lock, no probe.

  -c, --config FILE   of the agent (default: /etc/logcask/agent.yaml, then agent.toml)
      --state DIR     its state directory, instead
      --to URL        ask this destination; may be repeated
      --host NAME     the host that it is stored under (default: as the state directory or the configuration has it)
      --json          one JSON object

${storeHelp}

Evidence: E1 our own open descriptor · E2 inode and birth time · E3 the first 4 KiB, and the 4 KiB before the offset

Examples
  logcask why /var/log/nginx/access.log.1
  logcask why ./app.log --to file:///mnt/nas

Exit status: 0 decided · 1 no source matches it · 2 usage or configuration · 75 a destination did not answer`,
  options: {
    ...storeOptions,
    ...jsonOption,
    config: { type: 'string', short: 'c' },
    state: { type: 'string' },
    to: { type: 'string', multiple: true },
    host: { type: 'string' },
  },
  run: why,
}

async function why(input: CommandInput): Promise<number> {
  const { terminal, values } = input
  expectArguments(input.positionals, 'logcask why PATH', 1, 1)
  const path = resolve(input.positionals[0] ?? '')
  const place = await findAgent(input)
  const whole = await whyWhole(path, place, await hostOf(textOf(values, 'host'), place, input), input.clock)
  if (whole !== undefined) return sayWhole(input, whole)
  const facts = await gather(input, path, place)
  if (isSet(values, 'json')) await terminal.json(forMachine(facts))
  else for (const line of whyLines(facts, terminal.paint)) await terminal.line(line)
  if (facts.asked.some(({ problem }) => problem !== undefined)) return exits.undelivered
  return isShipped(facts) ? exits.done : exits.failed
}

async function sayWhole({ terminal, values }: CommandInput, whole: WhyWhole): Promise<number> {
  if (isSet(values, 'json')) await terminal.json({ v: 1, whole })
  else for (const line of whyWholeLines(whole, terminal.paint.bold)) await terminal.line(line)
  return whole.problem === undefined ? exits.done : exits.failed
}

async function gather(input: CommandInput, path: string, place: AgentPlace): Promise<WhyFacts> {
  const { clock, signal, values } = input
  const subject = await openSubject(path, place)
  try {
    const record = await recordOf(subject, place)
    if (subject.file === undefined && record === undefined && !subject.isLink)
      throw usageError(
        `${pathForPeople(path)}: no such file, and no record of one`,
        'check the name; logcask ls URL HOST lists what was delivered',
      )
    const source = await sourceOfPath(subject, record, place, clock.now())
    const destinations = await destinationsToAsk(input, place, record !== undefined)
    const identity = subject.file?.identity
    const host = await hostOf(textOf(values, 'host'), place, input)
    const asked =
      identity === undefined || !(isShipped({ source }) || textsOf(values, 'to').length > 0)
        ? []
        : await Promise.all(
            destinations.map((one) => askDestination(one, host, identity, subject.content, clock, signal)),
          )
    const ageMs = place.status && clock.now() - Date.parse(place.status.updatedAt)
    return {
      path,
      file: subject.file,
      isLink: subject.isLink,
      agent: presenceOf({ ageMs, isLocked: place.isLocked, hasEnded: place.hasEnded }),
      source,
      record,
      asked,
      copyOf: copySources(path, place),
    }
  } finally {
    await subject.close()
  }
}

/** Some source delivers it. */
function isShipped({ source }: Pick<WhyFacts, 'source'>): boolean {
  return source.kind === 'matched' || source.kind === 'unknown'
}

/** Those of --to; else, for a file that the checkpoint does not know, those of the configuration. */
async function destinationsToAsk(
  { values }: CommandInput,
  { config }: AgentPlace,
  isKnown: boolean,
): Promise<AskedDestination[]> {
  const urls = textsOf(values, 'to')
  if (urls.length > 0) return urls.map((url) => ({ name: url, url, ...storeSettings(values) }))
  if (isKnown) return []
  return config?.destinations ?? []
}

async function hostOf(
  given: string | undefined,
  { config, host }: AgentPlace,
  { env, clock }: CommandInput,
): Promise<string> {
  if (given !== undefined || host !== undefined) return given ?? host ?? ''
  return (await nameMachine({ host: config?.host ?? '{hostname}', machineId: config?.machineId }, env, clock)).host
}

function forMachine(facts: WhyFacts): Record<string, unknown> {
  const { record } = facts
  return {
    v: 1,
    ...facts,
    record: record && {
      ...record,
      deliveries: record.deliveries.map((one) => ({ ...one, decision: decideByRecord(facts, record, one) })),
    },
    asked: facts.asked.map((one) => ({ ...one, decision: decideByAnswer(facts, one) })),
  }
}
