/**
 * How fast, how lean, how quick, beside others on the same machine in the same run. Reports, not gates: DESIGN.md
 * section 8 says what to reach.
 *
 *     npm run bench [-- NAME…]        LOGCASK_BENCH_GIB=2 LOGCASK_BENCH_ROUNDS=5 for more,
 *                                     LOGCASK_BENCH_FILES=100 for fewer small files (small, idle)
 */
import { cpus } from 'node:os'
import { archive } from './archive.ts'
import { atRest, freshness, scaling } from './compact.ts'
import { executable } from './executable.ts'
import { hanging } from './hanging.ts'
import { idle } from './idle.ts'
import { independence } from './independence.ts'
import { latency } from './latency.ts'
import { withPublished } from './prepare.ts'
import { say } from './report.ts'
import { backlog, smallFiles } from './throughput.ts'
import { wholes } from './wholes.ts'

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  backlog,
  small: smallFiles,
  wholes,
  archive,
  scaling,
  freshness,
  rest: atRest,
  latency,
  idle,
  executable,
  async hanging() {
    await independence()
    await hanging()
  },
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(scenarios, name))
if (unknown.length > 0) {
  say(`no such bench: ${unknown.join(', ')}. There are: ${Object.keys(scenarios).join(' ')}`)
  process.exit(2)
}
say(`${cpus().length} × ${cpus()[0]?.model ?? 'CPU'} · Node ${process.versions.node}`)
say('logcask: the package as it is published (packaging/build.ts), built now from this checkout, run with this Node')
await withPublished(async () => {
  for (const [name, run] of Object.entries(scenarios)) if (wanted.length === 0 || wanted.includes(name)) await run()
})
