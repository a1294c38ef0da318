import type { AgentConfig } from '../../config/agent-config.ts'
import { openFilesMax } from '../compose/open-files.ts'
import { countText, formatBytes, formatDollars } from '../terminal/units.ts'
import { findMatches } from '../validate/matches.ts'
import { assess } from '../validate/validate-assess.ts'
import type { AgentLog } from './agent-log.ts'

/**
 * Said once, before the first byte goes anywhere: what is here, what it may cost, and what stands in the way, as
 * `logcask validate` has it. Nobody should find out from the bill.
 */
export async function sayFirstStart(config: AgentConfig, hasMachineId: boolean, nowMs: number, log: AgentLog) {
  const machine = { hasMachineId, nowMs, openFilesMax: await openFilesMax() }
  const { sources, destinations, warnings } = assess(config, await findMatches(config.sources), machine)
  for (const { name, files, bytes, bytesPerDay, leftOut } of sources)
    log.info('first start: source', {
      source: name,
      files: countText(files, 'file'),
      bytes: formatBytes(bytes),
      growth: `${formatBytes(bytesPerDay)} per day`,
      ...(leftOut > 0 ? { leftOut: `${countText(leftOut, 'file')} too old` } : {}),
    })
  for (const { name, atMost, storage } of destinations)
    log.info('first start: destination', {
      destination: name,
      requests: `at most ${atMost.requestsPerHour} requests per hour`,
      ...(atMost.dollarsPerMonth === undefined || storage === undefined
        ? {}
        : {
            cost: `at most ${formatDollars(atMost.dollarsPerMonth)} per month for requests, ${formatDollars(storage)} for storage`,
          }),
    })
  for (const message of warnings)
    log.event({ kind: 'problem', code: 'configuration-warning', place: 'configuration', message })
}
