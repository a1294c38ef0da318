import { parseArgs } from 'node:util'
import { Counts } from './counts.ts'
import { drawHistory, runHistory } from './history.ts'
import { allSteps } from './steps.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    kinds: { type: 'string' },
  },
})
const kinds = values.kinds?.split(',') ?? Object.keys(allSteps)
const counts = new Counts()
const first = Number(values.seed ?? values.from)
const last = values.seed ? first : first + Number(values.seeds) - 1
const began = performance.now()
let failed = 0
let virtual = 0
for (let seed = first; seed <= last; seed++) {
  const history = drawHistory(seed, kinds)
  const verdict = await runHistory(
    history,
    values.seed
      ? {
          onStep: (step, world) =>
            console.log(`${(world.clock.monotonic() / 1000).toFixed(3)} ${step.do} +${step.afterMs}`),
          onEvent: (agent, event, world) => {
            const { kind, life, delivery, ...rest } = event as unknown as {
              kind: string
              life?: { path: string }
              delivery?: { destination: string; stream: string }
            }
            console.log(
              `    ${(world.clock.monotonic() / 1000).toFixed(3)} ${agent} ${kind} ${life?.path ?? ''} ${delivery?.destination ?? ''} ${delivery?.stream ?? ''} ${JSON.stringify(rest).slice(0, 200)}`,
            )
          },
        }
      : {},
  )
  counts.addAll(verdict.counts)
  virtual += verdict.tookMs
  if (verdict.violations.length > 0) {
    failed++
    console.log(`seed ${seed}: ${[...new Set(history.steps.map((step) => step.do))].join(', ')}`)
    for (const violation of verdict.violations.slice(0, 4)) console.log(`   ${violation}`)
  }
}
const seconds = (performance.now() - began) / 1000
console.log([...counts].map(([what, times]) => `${what} ${times}`).join(', '))
console.log(
  `${last - first + 1} histories, ${failed} failed, ${((last - first + 1) / seconds).toFixed(1)}/s, ${(virtual / 1000 / (last - first + 1)).toFixed(0)} s virtual each`,
)
