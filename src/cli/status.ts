import { lstatSync } from 'node:fs'
import type { Life } from '../agent/life.ts'
import { isoTime } from '../base/clock.ts'
import { pathForSystem } from '../base/path-bytes.ts'
import { type Command, type CommandInput, expectArguments, isSet, jsonOption, textOf } from './command.ts'
import { type AskedDestination, askDestinations } from './status/status-ask.ts'
import { type AgentPlace, findAgent, requireState } from './status/status-place.ts'
import { exitOfStatus, lossOf, presenceOf, type StatusFacts, statusLines, waitingOf } from './status/status-report.ts'
import { shellWord } from './terminal/shell-word.ts'

export const command: Command = {
  name: 'status',
  help: `Usage: logcask status [-c FILE | --state DIR] [--check] [--json]

Says how the agent of this machine stands with each destination: whether it takes what it is sent, how old the oldest
byte is that it does not have, what was lost, and when the first loss could happen if all goes on as in the last hour
(the spool is full, a disk is full; what rotations will delete nobody knows, so that all that they could counts).
Where no agent runs, its checkpoint is read, and the destinations are asked, for 8 s at most: whether they answer, when
they last heard of this host (its digests), and how much they have beyond the checkpoint. Only reads.

  -c, --config FILE   of the agent (default: /etc/logcask/agent.yaml, then agent.toml)
      --state DIR     its state directory, instead; without a configuration no destination is asked
      --check         ask the destinations also while an agent runs
      --json          one JSON object

Examples
  logcask status
  logcask status -c ./agent.yaml --json | jq '.destinations[].behindBytes'

Exit status: 0 an agent runs and every destination is well (after one-shot runs: nothing waits) · 1 a destination takes
nothing, or no agent runs · 2 usage or configuration · 3 all is well now, but there are gaps or forks since the start`,
  options: {
    ...jsonOption,
    config: { type: 'string', short: 'c' },
    state: { type: 'string' },
    check: { type: 'boolean' },
  },
  run: status,
}

async function status(input: CommandInput): Promise<number> {
  const { clock, terminal, values } = input
  expectArguments(input.positionals, 'logcask status [-c FILE | --state DIR] [--check]', 0, 0)
  const place = await findAgent(input)
  requireState(place)
  const local = factsOf(place, startCommand(textOf(values, 'config')), clock.now())
  const facts = { ...local, asked: await ask(input, place, isSet(values, 'check') || presenceOf(local) === 'stopped') }
  if (isSet(values, 'json')) await terminal.json(forMachine(facts))
  else {
    const { lines, warnings } = statusLines(facts, terminal.paint)
    for (const line of lines) await terminal.line(line)
    for (const warning of warnings) terminal.warn(warning)
  }
  return exitOfStatus(facts)
}

/** Undefined where nothing says how to reach them, or what the agent says is enough. */
async function ask(
  { clock }: CommandInput,
  { config, host, lives }: AgentPlace,
  isWanted: boolean,
): Promise<AskedDestination[] | undefined> {
  if (!isWanted || config === undefined || host === undefined) return undefined
  return askDestinations(config.destinations, host, lives, clock)
}

function startCommand(config: string | undefined): string {
  return config === undefined
    ? 'systemctl start logcask-agent, or logcask agent'
    : `logcask agent -c ${shellWord(config)}`
}

function factsOf(place: AgentPlace, startCommand: string, nowMs: number): StatusFacts {
  const { directory, host = '', status, isLocked, hasEnded, lives, destinations } = place
  return {
    directory,
    host,
    status,
    ageMs: status && Math.max(0, nowMs - Date.parse(status.updatedAt)),
    isLocked,
    hasEnded,
    waiting: waitingOf(lives, destinations, sizeNow),
    files: lives.filter((life) => !life.ended).length,
    startCommand,
    nowMs,
  }
}

/** Of the file where it was last seen, as long as that name still stands for it. */
function sizeNow(life: Life): number | undefined {
  try {
    const info = lstatSync(pathForSystem(life.path), { bigint: true })
    return life.identity.endsWith(`-${info.ino.toString(36)}`) ? Number(info.size) : undefined
  } catch {
    // Gone, or not for us to see: the checkpoint's size is what is known.
    return undefined
  }
}

/** What the agent says of itself while it runs, else what its checkpoint has. */
function forMachine(facts: StatusFacts): Record<string, unknown> {
  const { directory, host, status, ageMs, waiting, files, asked } = facts
  const agent = presenceOf(facts)
  const loss = lossOf(facts)
  const place = {
    v: 1,
    agent,
    directory,
    host,
    ageSeconds: ageMs === undefined ? null : ageMs / 1000,
    firstLoss: loss === undefined ? null : { at: isoTime(loss.atMs), reason: loss.reason, because: loss.because },
    asked: asked === undefined ? null : asked.map(askedForMachine),
  }
  if (agent === 'running' && status !== undefined) return { ...status, ...place, source: 'agent' }
  const destinations = waiting.map(({ name, files, bytes }) => ({ name, behindBytes: bytes, filesBehind: files }))
  return { ...place, source: 'checkpoint', files, destinations }
}

function askedForMachine({ name, problem, lastDigestAtMs, aheadBytes }: AskedDestination): Record<string, unknown> {
  if (problem !== undefined)
    return {
      name,
      state: problem.isRefused ? 'down' : 'unavailable',
      problem: problem.message,
      hint: problem.hint ?? null,
    }
  return {
    name,
    state: 'ok',
    lastDigestAt: lastDigestAtMs === undefined ? null : isoTime(lastDigestAtMs),
    beyondCheckpointBytes: aheadBytes,
  }
}
