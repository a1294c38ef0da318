import { parseArgs } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { renderProgress } from '../../src/cli/terminal/progress.ts'
import { createPaint } from '../../src/cli/terminal/terminal.ts'
import { type History, runHistory } from './history.ts'
import { runHere, runInParts, Sum } from './parts.ts'
import { reportCounts } from './report.ts'
import { draw } from './rescue/draw-rescue.ts'
import { rescueKind } from './rescue/rescue-kind.ts'
import { shrink, violationKind } from './shrink.ts'
import { allSteps } from './steps.ts'
import { tracing } from './trace.ts'

const usage = `npm run sim -- [--seeds 10000] [--from 1] [--kinds append,rotate,…]   many histories, judged
npm run sim -- --seed N                                               one again, told step by step
npm run sim -- --seed N --shrink                                      its fewest steps that still fail
npm run sim -- --history JSON                                         a shrunk one again
npm run sim -- --rescue [--seeds 10000] [--seed N]                    with the spool, housekeeping and whole files
npm run sim -- --hostile [--seeds 10000] [--seed N]                   a host that was taken over, and compactors`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    kinds: { type: 'string' },
    rescue: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    history: { type: 'string' },
    part: { type: 'boolean', default: false },
    hostile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const kinds = [...(values.kinds?.split(',') ?? Object.keys(allSteps)), ...(values.rescue ? [rescueKind] : [])]
const kindsOption = `${values.rescue ? ' --rescue' : ''}${values.kinds === undefined ? '' : ` --kinds '${values.kinds}'`}`

if (values.hostile) await import('./hostile/hostile.ts')
else if (values.help) console.log(usage)
else if (values.history !== undefined) await tell(JSON.parse(values.history) as History)
else if (values.part)
  for await (const told of runHere(Number(values.from), Number(values.seeds), kinds)) console.log(JSON.stringify(told))
else if (values.seed === undefined) await runMany(Number(values.from), Number(values.seeds))
else await runOne(draw(Number(values.seed), kinds))

async function tell(history: History): Promise<void> {
  const { violations } = await runHistory(history, tracing(console.log))
  console.log(violations.length === 0 ? 'nothing is wrong' : violations.map((one) => `WRONG ${one}`).join('\n'))
  process.exitCode = violations.length === 0 ? 0 : 1
}

async function runOne(history: History): Promise<void> {
  if (!values.shrink) return tell(history)
  const [first] = (await runHistory(history)).violations
  if (first === undefined) return console.log('nothing is wrong')
  const small = await shrink(history, violationKind(first))
  console.log(JSON.stringify(small))
  await tell(small)
}

async function runMany(from: number, seeds: number): Promise<void> {
  const sum = new Sum()
  const began = systemClock.monotonic()
  await runInParts(from, seeds, kinds, (told) => {
    sum.add(told)
    if (told.violations.length > 0) {
      clearBar()
      console.log(`FAILED: npm run sim -- --seed ${told.seed} --shrink${kindsOption}`)
      for (const violation of told.violations.slice(0, 4)) console.log(`   ${violation}`)
    }
    if (sum.histories % 10 === 0) drawBar(sum.histories, seeds, sum.failed)
  })
  clearBar()
  for (const line of reportCounts(sum.counts)) console.log(line)
  const seconds = (systemClock.monotonic() - began) / 1000
  console.log(
    `${seeds} histories (${from} to ${from + seeds - 1}), ${Math.round(sum.virtualMs / 3_600_000)} hours of virtual time in ${seconds.toFixed(0)} s, ${sum.failed} failed`,
  )
  process.exitCode = sum.failed > 0 ? 1 : 0
}

function drawBar(done: number, total: number, failed: number): void {
  if (!process.stderr.isTTY) return
  const width = process.stderr.columns ?? 80
  const progress = { bytes: done, bytesTotal: total, files: done, filesTotal: total, note: `${failed} failed` }
  const line = renderProgress(progress, undefined, { isLive: true, width, paintMessage: createPaint(true) })
  process.stderr.write(`\r\u001b[2K${line.replace(/\d[^·]* B[^·]*· /, '').replace('files', 'histories')}`)
}

function clearBar(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
}
