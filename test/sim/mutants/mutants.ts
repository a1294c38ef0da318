import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { runHistory } from '../history.ts'
import { draw } from '../rescue/draw-rescue.ts'
import { defects } from './defects.ts'

/** Tries every defect, each in a process of its own, and prints which the simulation caught. Exit status 1 if one got away. */
const help = `npm run sim:mutants -- [--seeds 400] [--only TEXT]

Histories per defect at most (--seeds), and only the defects whose name holds TEXT (--only).
`
const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    seeds: { type: 'string', default: '400' },
    only: { type: 'string' },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const script = fileURLToPath(new URL('run-mutant.ts', import.meta.url))

interface Outcome {
  seed: number
  caught?: string
}

/** Only what the sound product withstands counts as caught. */
async function isSound(seed: number, kinds: readonly string[]): Promise<boolean> {
  return (await runHistory(draw(seed, kinds))).violations.length === 0
}

async function tryDefect(number: number, kinds: readonly string[], seeds: number): Promise<Outcome> {
  for (let from = 1; from <= seeds; ) {
    const args = ['--disable-warning=ExperimentalWarning', script, String(number), String(from), String(seeds)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const outcome = JSON.parse(stdout) as Outcome
    if (outcome.caught === undefined || (await isSound(outcome.seed, kinds))) return outcome
    from = outcome.seed + 1
  }
  return { seed: seeds }
}

let missed = 0
let tried = 0
console.log(`${'defect'.padEnd(74)} ${'histories'.padStart(9)}  caught by`)
for (const [number, { name, kinds }] of defects.entries()) {
  if (values.only !== undefined && !name.includes(values.only)) continue
  const outcome: Outcome = await tryDefect(number, kinds, Number(values.seeds)).catch((error: Error) => {
    console.log(`${name}: cannot be tried: ${/Error: .*/.exec(error.message)?.[0] ?? error.message}`)
    return { seed: 0 }
  })
  tried++
  if (outcome.caught === undefined) missed++
  console.log(`${name.padEnd(74)} ${String(outcome.seed).padStart(9)}  ${outcome.caught?.slice(0, 90) ?? 'NOT CAUGHT'}`)
}
console.log(`${tried - missed} of ${tried} defects caught`)
process.exitCode = missed > 0 ? 1 : 0
