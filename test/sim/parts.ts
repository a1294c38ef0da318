import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Counts } from './counts.ts'
import { runHistory } from './history.ts'
import { draw } from './rescue/draw-rescue.ts'

/** What one history came to, as a part tells it. */
export interface Told {
  seed: number
  violations: string[]
  counts: [string, number][]
  tookMs: number
}

/** A process keeps something of every history: this many, and the next process goes on. */
const partSeeds = 100

/** Seeds in turn, in this process. */
export async function* runHere(from: number, seeds: number, kinds: readonly string[]): AsyncGenerator<Told> {
  for (let seed = from; seed < from + seeds; seed++) {
    yield await runOne(seed, kinds)
  }
}

/** A fault of the simulation's own is one more failing seed: it must not end the others. */
async function runOne(seed: number, kinds: readonly string[]): Promise<Told> {
  try {
    const { violations, counts, tookMs } = await runHistory(draw(seed, kinds))
    return { seed, violations, counts: [...counts], tookMs }
  } catch (error) {
    return { seed, violations: [`the simulation itself: ${(error as Error).stack}`], counts: [], tookMs: 0 }
  }
}

/** Many seeds, in processes of their own, as many at once as there are cores. Rejects when one of them dies. */
export async function runInParts(
  from: number,
  seeds: number,
  kinds: readonly string[],
  onTold: (told: Told) => void,
): Promise<void> {
  let next = from
  const worker = async (): Promise<void> => {
    while (next < from + seeds) {
      const first = next
      next = Math.min(from + seeds, first + partSeeds)
      await runPart(first, next - first, kinds, onTold)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
}

async function runPart(
  from: number,
  seeds: number,
  kinds: readonly string[],
  onTold: (told: Told) => void,
): Promise<void> {
  const sim = fileURLToPath(new URL('sim.ts', import.meta.url))
  const options = ['--part', '--from', String(from), '--seeds', String(seeds), '--kinds', kinds.join(',')]
  const child = spawn(process.execPath, [sim, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  let told = 0
  for await (const line of createInterface(child.stdout)) {
    onTold(JSON.parse(line) as Told)
    told++
  }
  const [code, signal] = await ended
  if (told !== seeds) throw new Error(`seeds ${from + told} and on: the process ended with ${signal ?? code}`)
}

/** The sum of what was told. */
export class Sum {
  readonly counts = new Counts()
  histories = 0
  failed = 0
  virtualMs = 0

  add({ violations, counts, tookMs }: Told): void {
    this.histories++
    this.counts.addAll(counts)
    this.virtualMs += tookMs
    if (violations.length > 0) this.failed++
  }
}
