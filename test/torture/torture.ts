import { help, parseOptions, type TortureOptions } from './options.ts'
import { jsonText, reportLines, verdictText } from './report.ts'
import { endWithThisProcess } from './torture-process.ts'
import { runTorture } from './torture-run.ts'

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
  try {
    const outcome = await runTorture(options, { say, progress: say, signal: stop.signal })
    if (options.isJson) process.stdout.write(`${jsonText(outcome)}\n`)
    else process.stdout.write(`${reportLines(outcome).join('\n')}\n`)
    say(whatIsLeft(outcome.url, outcome.directory))
    if (!options.isJson) process.stdout.write(`${verdictText(outcome)}\n`)
    return outcome.isSound ? 0 : 1
  } catch (error) {
    if (stop.signal.aborted) say('torture: stopped before the end: nothing was judged')
    else say(`torture: ${(error as Error).stack}`)
    return stop.signal.aborted ? 130 : 2
  }
}

function whatIsLeft(url: string, directory: string | undefined): string {
  const local = directory === undefined ? '' : `; logs, states and messages in ${directory}`
  return `left behind: ${url}, which nothing here deletes${local}`
}
