import { parseArgs } from 'node:util'
import { Counts } from './counts.ts'
import { drawHistory, type History, runHistory } from './history.ts'
import { shrink, violationKind } from './shrink.ts'
import { allSteps } from './steps.ts'
import { tracing } from './trace.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    kinds: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    history: { type: 'string' },
  },
})
const kinds = values.kinds?.split(',') ?? Object.keys(allSteps)

async function show(history: History): Promise<void> {
  const { violations } = await runHistory(history, tracing(console.log))
  for (const violation of violations) console.log(`   ${violation}`)
}

if (values.history) await show(JSON.parse(values.history) as History)
else if (values.seed) {
  const history = drawHistory(Number(values.seed), kinds)
  if (!values.shrink) await show(history)
  else {
    const { violations } = await runHistory(history)
    const [first] = violations
    if (first === undefined) console.log('no violation')
    else {
      const small = await shrink(history, violationKind(first))
      console.log(JSON.stringify(small))
      await show(small)
    }
  }
} else {
  const counts = new Counts()
  const first = Number(values.from)
  const last = first + Number(values.seeds) - 1
  const began = performance.now()
  let failed = 0
  let virtual = 0
  for (let seed = first; seed <= last; seed++) {
    const history = drawHistory(seed, kinds)
    const verdict = await runHistory(history)
    counts.addAll(verdict.counts)
    virtual += verdict.tookMs
    if (verdict.violations.length > 0) {
      failed++
      console.log(`seed ${seed}: ${[...new Set(history.steps.map((step) => step.do))].join(', ')}`)
      for (const violation of verdict.violations.slice(0, 4)) console.log(`   ${violation}`)
    }
  }
  const seconds = (performance.now() - began) / 1000
  const histories = last - first + 1
  console.log([...counts].map(([what, times]) => `${what} ${times}`).join(', '))
  console.log(
    `${histories} histories, ${failed} failed, ${(histories / seconds).toFixed(1)}/s, ${(virtual / 1000 / histories).toFixed(0)} s virtual each`,
  )
}
