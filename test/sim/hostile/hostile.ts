import { parseArgs } from 'node:util'
import { systemClock } from '../../../src/base/clock.ts'
import { runHostile } from './hostile-history.ts'

const usage = `npm run sim -- --hostile [--seeds 10000] [--from 1]   many histories of a host that was taken over
npm run sim -- --hostile --seed N                     one of them again, told step by step`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    hostile: { type: 'boolean' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else if (values.seed !== undefined) {
  const { violations } = await runHostile(Number(values.seed), console.log)
  console.log(violations.length === 0 ? 'nothing is wrong' : violations.map((one) => `WRONG ${one}`).join('\n'))
  process.exitCode = violations.length === 0 ? 0 : 1
} else {
  const [from, seeds] = [Number(values.from), Number(values.seeds)]
  const counts = new Map<string, number>()
  const began = systemClock.monotonic()
  let failed = 0
  for (let seed = from; seed < from + seeds; seed++) {
    const verdict = await runHostile(seed)
    for (const [what, count] of verdict.counts) counts.set(what, (counts.get(what) ?? 0) + count)
    if (verdict.violations.length === 0) continue
    failed++
    console.log(`FAILED: npm run sim -- --hostile --seed ${seed}`)
    for (const violation of verdict.violations.slice(0, 4)) console.log(`   ${violation}`)
  }
  for (const [what, count] of [...counts].sort()) console.log(`${String(count).padStart(8)}  ${what}`)
  const seconds = (systemClock.monotonic() - began) / 1000
  console.log(`${seeds} histories (${from} to ${from + seeds - 1}) in ${seconds.toFixed(0)} s`)
  console.log(`${seeds - failed} passed, ${failed} failed, 0 skipped`)
  process.exitCode = failed > 0 ? 1 : 0
}
