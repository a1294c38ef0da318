import { join } from 'node:path'
import { segmentBytesFor } from '../src/cli/compose/compose-destinations.ts'
import { measureRun } from './measured-run.ts'
import { findPeers } from './peers.ts'
import { inDirectory, logcask, storeEnv, writeBigFile, writeSmallFiles } from './prepare.ts'
import { type Amount, type Contestant, say, sayTable } from './report.ts'
import { type Sink, startSink } from './start-sink.ts'

const rounds = Number(process.env.LOGCASK_BENCH_ROUNDS ?? 3)
const gib = Number(process.env.LOGCASK_BENCH_GIB ?? 1)
const smallCount = Number(process.env.LOGCASK_BENCH_FILES ?? 10_000)

/** One file that is there from the start: no slower than the peers, ≥ 0.85 × the bare loop. */
export function backlog(): Promise<void> {
  return inDirectory(async (directory) => {
    const path = join(directory, 'big.log')
    const bytes = gib * 1024 ** 3
    await writeBigFile(path, bytes)
    await compare(`backlog: one file of ${gib} GiB`, {
      directory,
      path,
      isDirectory: false,
      amount: { bytes },
      atOnce: 4,
    })
  })
}

/** Many small ones: no slower than the peers, ≤ 1.1 × the time of the bare loop. */
export function smallFiles(): Promise<void> {
  return inDirectory(async (directory) => {
    const path = join(directory, 'logs')
    const count = smallCount
    const bytes = 4096
    await writeSmallFiles(path, count, bytes)
    const title = `small: ${count} files of ${bytes} bytes`
    await compare(title, { directory, path, isDirectory: true, amount: { files: count }, atOnce: 16 })
  })
}

const segmentBytes = segmentBytesFor(1)

interface Load {
  directory: string
  path: string
  isDirectory: boolean
  amount: Amount
  /** Requests in flight of the bare loop: as many as ours at that size. */
  atOnce: number
}

/** Each contestant once per round, in turn, so that what else the machine does meets all alike. */
async function compare(title: string, load: Load): Promise<void> {
  const { directory, path, isDirectory, amount, atOnce } = load
  const command: Record<string, (sink: Sink, round: number) => string[]> = {
    'bare loop': ({ endpoint }) => [
      process.execPath,
      join(import.meta.dirname, 'bare-put.ts'),
      endpoint,
      'bench',
      String(segmentBytes),
      String(atOnce),
      path,
    ],
    'logcask ship': (_, round) =>
      logcask('ship', path, '--to', 's3://bench/ours', '--host', 'bench', '--state', join(directory, `state-${round}`)),
  }
  const contestants: Contestant[] = Object.keys(command).map((name) => ({ name, runs: [] }))
  for (const { name, peer } of findPeers()) {
    contestants.push({ name, runs: [], ...(peer ? {} : { notRun: 'not on the PATH' }) })
    if (peer) command[name] = ({ endpoint }, round) => peer.copy(path, isDirectory, endpoint, `${round}`)
  }
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      const make = command[contestant.name]
      if (make === undefined || contestant.notRun !== undefined) continue
      // A sink of its own: nothing is there, and nothing of what went before is paid for.
      const sink = await startSink()
      const run = await measureRun(make(sink, round), storeEnv(sink.endpoint))
      const requests = await sink.counts()
      await sink.stop()
      if (run.code !== 0) contestant.notRun = `ended with ${run.code}: ${run.stderr.trim().split('\n').at(-1)}`
      else contestant.runs.push(run)
      if (round === 0) say(`  ${contestant.name}: ${JSON.stringify(requests)} in ${run.seconds.toFixed(1)} s`)
    }
  }
  sayTable(
    `${title}, to a sink on loopback (bare loop: ${segmentBytes / 1024 ** 2} MiB, ${atOnce} at once)`,
    amount,
    contestants,
  )
}
