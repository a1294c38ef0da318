import { help, parseOptions, type TortureOptions } from './options.ts'
import { peerTable, runPeers } from './peer-run.ts'
import { jsonText, reportLines, verdictText } from './report.ts'
import { endWithThisProcess } from './torture-process.ts'
import { type Audience, runTorture } from './torture-run.ts'

/** `npm run torture -- --to URL`: see options.ts for its help. */
const say = (text: string): void => void process.stderr.write(`${text}\n`)

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let options: TortureOptions | undefined
  try {
    options = parseOptions(args)
  } catch (error) {
    say(`torture: ${(error as Error).message}\nfix: npm run torture -- --help`)
    return 2
  }
  if (options === undefined) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  return torture(options)
}

async function torture(options: TortureOptions): Promise<number> {
  endWithThisProcess()
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(new Error(name)))
  const audience = { say, progress: say, signal: stop.signal }
  try {
    if (options.peer !== undefined) return await comparePeers(options, audience)
    const outcome = await runTorture(options, audience)
    if (options.isJson) process.stdout.write(`${jsonText(outcome)}\n`)
    else process.stdout.write(`${reportLines(outcome).join('\n')}\n`)
    say(whatIsLeft(outcome.url, outcome.directory))
    if (!options.isJson) process.stdout.write(`${verdictText(outcome)}\n`)
    return outcome.isSound ? 0 : 1
  } catch (error) {
    if (stop.signal.aborted) say('torture: stopped before the end: nothing was judged')
    else say(`torture: ${(error as Error).message}`)
    return stop.signal.aborted ? 130 : 2
  }
}

/** Ours must show 0 and 0; what the other shows is for the reader. */
async function comparePeers(options: TortureOptions, audience: Audience): Promise<number> {
  const rows = await runPeers(options, audience)
  if (rows === undefined) {
    say('fluent-bit: not installed, nothing was run (docs.fluentbit.io/manual/installation)')
    return 0
  }
  process.stdout.write(`${options.isJson ? jsonText(rows) : peerTable(rows).join('\n')}\n`)
  return rows.every(({ agent, lost, doubled }) => agent !== 'logcask' || lost + doubled === 0) ? 0 : 1
}

function whatIsLeft(url: string, directory: string | undefined): string {
  const local = directory === undefined ? '' : `; logs, states and messages in ${directory}`
  return `left behind: ${url}, which nothing here deletes${local}`
}
