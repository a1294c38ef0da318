import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildExecutable } from '../packaging/executable/executable.ts'
import { runtime } from '../packaging/executable/runtime.ts'
import { inDirectory, logcask } from './prepare.ts'
import { median, say } from './report.ts'

const MB = 1_000_000
const rounds = Number(process.env.LOGCASK_BENCH_ROUNDS ?? 9)

interface Contestant {
  name: string
  command: readonly [string, ...string[]]
}

/** The single executable beside the published package under the same Node: how large, and how soon there. */
export async function executable(): Promise<void> {
  await inDirectory(async (room) => {
    const file = join(room, 'logcask')
    await buildExecutable(file)
    const node = await runtime(process.arch === 'arm64' ? 'arm64' : 'x64')
    say('\nthe single executable')
    const packed = gzipSync(await readFile(file)).length
    say(`  ${megabytes(statSync(file).size)}, gzip ${megabytes(packed)}; Node alone ${megabytes(statSync(node).size)}`)

    const log = join(room, 'a.log')
    await writeFile(log, 'one line\n')
    const contestants: Contestant[] = [
      { name: 'executable', command: [file] },
      { name: 'package', command: [node, ...logcask().slice(1)] },
      { name: 'Node, nothing', command: [node, '-e', ''] },
    ]
    say(`\nstart, ms, median of ${rounds} (in turns)`)
    const ship = (round: number): string[] => [
      ...['ship', log, '--quiet', '--to', `file://${room}/${round}`, '--state', join(room, `state-${round}`)],
    ]
    let stores = 0
    sayRow('--version', contestants, (one) => (one.name.startsWith('Node') ? [] : ['--version']))
    sayRow('ship a file', contestants.slice(0, 2), () => ship(stores++))
  })
}

/** In turns, so that a busy moment is everybody's. */
function sayRow(what: string, contestants: readonly Contestant[], argsOf: (one: Contestant) => string[]): void {
  const taken = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const one of contestants) {
      const [program, ...first] = one.command
      const args = [...first, ...argsOf(one)]
      const startedMs = performance.now()
      const { status, stderr } = spawnSync(program, args)
      if (status !== 0) throw new Error(`${one.name} ${what}: status ${status} ${stderr}`)
      taken.get(one.name)?.push(performance.now() - startedMs)
    }
  const cells = [...taken].map(([name, ms]) => `${name} ${median(ms).toFixed(0)}`)
  say(`  ${what.padEnd(14)}${cells.join(' · ')}`)
}

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(0)} MB`
}
