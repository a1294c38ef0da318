/**
 * The long form: the built command line, killed with SIGKILL in as many histories as you like.
 *
 *     npm run crash -- --runs 500 [--seed N] [--mode NAME] [--kills N] [--at-once N]
 *
 * Each history has its own seed, from N on; where one fails, the command that repeats it is printed (what a kill meets
 * is up to the machine as well), its directory is kept, and the exit status is 1.
 */
import { parseArgs } from 'node:util'
import { builtCommand } from '../support/built-command.ts'
import { type Outcome, wrongsOf } from './histories/outcome.ts'
import { type Mode, modes, runHistory } from './modes.ts'
import { head, hitsOf, lineOf } from './table.ts'

const help = `npm run crash -- [--runs 40] [--seed 1] [--mode NAME] [--kills N] [--at-once 2]

Modes (any part of a name will do): ${modes.map(({ name }) => name).join(' | ')}
`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    runs: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    mode: { type: 'string', default: '' },
    kills: { type: 'string' },
    'at-once': { type: 'string', default: '2' },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const [runs, firstSeed, atOnce] = [values.runs, values.seed, values['at-once']].map(Number)
const wanted = modes.filter(({ name }) => name.includes(values.mode))
const here = wanted.filter(({ notHere }) => notHere === undefined)
if (!runs || firstSeed === undefined || !atOnce || here.length === 0) {
  process.stderr.write(help)
  process.exit(2)
}

const outcomes = new Map<Mode, Outcome[]>(here.map((mode) => [mode, []]))
const failures: string[] = []
const startMs = performance.now()
let begun = 0
let done = 0

await builtCommand()
await Promise.all(Array.from({ length: atOnce }, work))
say(`\n${head}`)
for (const [mode, list] of outcomes) say(lineOf(mode.name, list))
say(lineOf('all', [...outcomes.values()].flat()))
say(`\nnamed: died on entry to ${hitsOf([...outcomes.values()].flat()) || 'none'}`)
for (const { name, notHere } of wanted) if (notHere !== undefined) say(`not run: ${name}: ${notHere}`)
for (const failure of failures) say(`\n${failure}`)
say(`\n${failures.length === 0 ? 'PASS' : 'FAIL'}: ${done} runs, ${failures.length} failed, in ${minutes()}`)
process.exitCode = failures.length === 0 ? 0 : 1

async function work(): Promise<void> {
  while (runs !== undefined && begun < runs) {
    const at = begun++
    const mode = here[at % here.length]
    if (mode === undefined || firstSeed === undefined) return
    const seed = firstSeed + at
    // One kill leaves its trace alone; several meet what the ones before have left.
    await attempt(mode, seed, Number(values.kills ?? 1 + (seed % 3)))
    done++
    progress()
  }
}

async function attempt(mode: Mode, seed: number, kills: number): Promise<void> {
  const again = `npm run crash -- --runs 1 --mode '${mode.name}' --seed ${seed} --kills ${kills}`
  try {
    const outcome = await runHistory(mode, seed, kills)
    outcomes.get(mode)?.push(outcome)
    const wrongs = wrongsOf(outcome)
    if (wrongs.length > 0) failures.push(`${mode.name}:\n  ${wrongs.slice(0, 10).join('\n  ')}\n  again: ${again}`)
  } catch (error) {
    const { message, cause } = error as Error
    failures.push(`${message}\n  ${cause instanceof Error ? cause.stack : ''}\n  again: ${again}`)
  }
}

function progress(): void {
  const line = `${done}/${runs} runs · ${failures.length} failed · ${minutes()}`
  if (process.stderr.isTTY) process.stderr.write(`\r${line}${done === runs ? '\n' : ''}`)
  else if (done % 25 === 0) process.stderr.write(`${line}\n`)
}

function minutes(): string {
  return `${((performance.now() - startMs) / 60_000).toFixed(1)} min`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
