import { type Command, type CommandInput, expectArguments, isSet, jsonOption, textOf, usageError } from './command.ts'
import { compareHolding, readBucketHolding, readDirectoryHolding } from './demo/demo-compare.ts'
import { nextSteps, resultTable } from './demo/demo-result.ts'
import { runSchedule, timingOf } from './demo/demo-schedule.ts'
import { bucketNames, type DemoStage, demoHost, setStage } from './demo/demo-stage.ts'
import { exits } from './exit.ts'

export const command: Command = {
  name: 'demo',
  help: `Usage: logcask demo [--dir DIR] [--seconds N]

Writes three logs and rotates them, while an agent ships them to two buckets and a compactor puts them together again.
One bucket goes away and comes back; the agent is killed with SIGKILL, and its state is deleted. Then everything is read
back and held against what was written. Needs no server, no account, and 200 MB of disk, which are kept for a look.

  --dir DIR      where, empty or new (default: a new one under the system's temporary directory)
  --seconds N    how long the logs are written, 3 to 60 (default: 12)
  --json         the result as one JSON object

Examples
  logcask demo
  logcask demo --dir ./demo --seconds 30

Exit status: 0 every byte is everywhere, once · 1 something differs`,
  options: { ...jsonOption, dir: { type: 'string' }, seconds: { type: 'string' } },
  run: demo,
}

async function demo(input: CommandInput): Promise<number> {
  const { clock, terminal, values } = input
  expectArguments(input.positionals, 'logcask demo', 0, 0)
  const timing = timingOf(secondsOf(textOf(values, 'seconds') ?? '12'))
  const stage = await setStage(textOf(values, 'dir'), timing, clock)
  try {
    terminal.say(terminal.paintMessage.dim(`in ${stage.directory}`))
    const { say } = await runSchedule(input, stage, timing)
    say('demo', 'everything is read back and compared')
    const result = await compareAll(stage, input.signal)
    if (isSet(values, 'json')) await terminal.json({ directory: stage.directory, ...result })
    else {
      for (const line of resultTable(result, terminal.paint)) await terminal.line(line)
      for (const line of nextSteps(stage, input.env)) await terminal.line(line)
    }
    return result.isEqual ? exits.done : exits.failed
  } finally {
    for (const name of bucketNames) await stage.buckets[name].bucket.close()
  }
}

function secondsOf(text: string): number {
  const seconds = Number(text)
  if (seconds >= 3 && seconds <= 60) return seconds
  throw usageError(`--seconds ${text}: must be a number from 3 to 60`, 'logcask demo --seconds 12')
}

async function compareAll(stage: DemoStage, signal: AbortSignal): Promise<Parameters<typeof resultTable>[0]> {
  const { buckets, writer } = stage
  const written = writer.written()
  const places = []
  for (const name of bucketNames) {
    const holding = await readBucketHolding(buckets[name].bucket, demoHost, writer, signal)
    places.push({ name: `bucket ${name}`, ...compareHolding(written, writer.logs, holding) })
  }
  const holding = await readDirectoryHolding(stage.server, writer)
  places.push({ name: 'server', ...compareHolding(written, writer.logs, holding) })
  const rewritten = bucketNames.reduce((sum, name) => sum + buckets[name].rewritten, 0)
  return { written, places, rewritten, isEqual: rewritten === 0 && places.every((place) => place.isEqual) }
}
