import type { SourceSettings } from '../../agent/context.ts'
import { rootedFiles } from '../../agent/files/rooted-files.ts'
import type { AgentState } from '../../agent/state/state.ts'
import type { CommandInput } from '../command.ts'
import { type AgentComposition, type AgentDestination, composeAgent } from '../compose/compose-agent.ts'
import { deliver, tell } from '../ship.ts'
import { pipePath } from './pipe-room.ts'
import { RunReport } from './run-report.ts'

/** What it takes to deliver what a run of a pipe has kept. */
export interface PipeDelivery {
  input: CommandInput
  name: string
  machine: string | undefined
  destinations: readonly AgentDestination[]
  state: AgentState
}

/**
 * Delivers what is kept now, whole, as `ship` delivers a file, and resolves with the exit status. `before`: what happened
 * to it while it grew.
 */
export async function deliverPipe(run: PipeDelivery, before = new RunReport()): Promise<number> {
  const { destinations } = run
  const report = new RunReport()
  // Not its problems: whether they stand, this run sees for itself.
  for (const name of ['bytesSent', 'segmentsSent', 'forks', 'losses'] as const) report[name] = before[name]
  const composed = await composeAgent(pipeComposition(run, report, { isOneShot: true, destinations }))
  try {
    return await deliver(run.input, composed, report)
  } finally {
    await composed.close()
  }
}

export function pipeComposition(
  { input, machine, name, state }: PipeDelivery,
  report: RunReport,
  parts: Pick<AgentComposition, 'isOneShot' | 'destinations' | 'watch'>,
): AgentComposition {
  const source: SourceSettings = {
    name: 'pipe',
    include: [],
    literal: [pipePath(name)],
    exclude: [],
    followSymlinks: false,
    sealAfterMs: 0,
    copies: 'new-stream',
    // A job may write the same each night.
    isOriginal: true,
  }
  return {
    ...parts,
    state,
    machine,
    files: (own) => rootedFiles(own, state.directory),
    sources: [source],
    scanIntervalMs: 60_000,
    clock: input.clock,
    report: (event) => tell(input, report, event),
  }
}
