import { lstatSync } from 'node:fs'
import type { Life } from '../agent/life.ts'
import { pathForSystem } from '../base/path-bytes.ts'
import { type Command, type CommandInput, expectArguments, isSet, jsonOption, textOf } from './command.ts'
import { shellWord } from './shell-word.ts'
import { type AgentPlace, findAgent, requireState } from './status-place.ts'
import { exitOfStatus, presenceOf, type StatusFacts, statusLines, waitingOf } from './status-report.ts'

export const command: Command = {
  name: 'status',
  help: `Usage: logcask status [-c FILE | --state DIR] [--json]

Says how the agent of this machine stands with each destination: whether it takes what it is sent, how old the oldest
byte is that it does not have, and what was lost. Where no agent runs, its checkpoint is asked. Only reads.

  -c, --config FILE   of the agent (default: /etc/logcask/agent.yaml, then agent.toml)
      --state DIR     its state directory, instead
      --json          one JSON object

Examples
  logcask status
  logcask status -c ./agent.yaml --json | jq '.destinations[].behindBytes'

Exit status: 0 an agent runs and every destination is well (after one-shot runs: nothing waits) · 1 a destination takes
nothing, or no agent runs · 2 usage or configuration · 3 all is well now, but there are gaps or forks since the start`,
  options: { ...jsonOption, config: { type: 'string', short: 'c' }, state: { type: 'string' } },
  run: status,
}

async function status(input: CommandInput): Promise<number> {
  const { clock, terminal, values } = input
  expectArguments(input.positionals, 'logcask status [-c FILE | --state DIR]', 0, 0)
  const place = await findAgent(input)
  requireState(place)
  const facts = factsOf(place, startCommand(textOf(values, 'config')), clock.now())
  if (isSet(values, 'json')) await terminal.json(forMachine(facts))
  else {
    const { lines, warnings } = statusLines(facts, terminal.paint)
    for (const line of lines) await terminal.line(line)
    for (const warning of warnings) terminal.warn(warning)
  }
  return exitOfStatus(facts)
}

function startCommand(config: string | undefined): string {
  return config === undefined ? 'systemctl start logcask, or logcask agent' : `logcask agent -c ${shellWord(config)}`
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
  const { directory, host, status, ageMs, waiting, files } = facts
  const agent = presenceOf(facts)
  const place = { v: 1, agent, directory, host, ageSeconds: ageMs === undefined ? null : ageMs / 1000 }
  if (agent === 'running' && status !== undefined) return { ...status, ...place, source: 'agent' }
  const destinations = waiting.map(({ name, files, bytes }) => ({ name, behindBytes: bytes, filesBehind: files }))
  return { ...place, source: 'checkpoint', files, destinations }
}
