import { isCode, messageOf } from '../../base/errors.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import type { CommandInput } from '../command.ts'
import type { ComposedAgent } from '../compose/compose-agent.ts'
import type { RunReport } from '../ship/run-report.ts'
import type { AgentLog } from './agent-log.ts'
import type { AgentServices } from './agent-services.ts'
import { loadAgentConfig } from './agent-words.ts'

/** What an agent is bound to from its start on: other files and other streams would follow. */
const bound = ['host', 'stateDirectory', 'machineId'] as const
/** Taken at the next start. */
const later = ['listen', 'log', 'scanIntervalMs'] as const

export interface ReloadParts {
  input: CommandInput
  /** The configuration in force. */
  config: AgentConfig
  composed: Pick<ComposedAgent, 'reload'>
  services: Pick<AgentServices, 'reloading' | 'reloaded'>
  report: RunReport
  log: AgentLog
}

/**
 * At each SIGHUP the configuration is read again, checked, and taken; where it cannot be used, the one in force stays,
 * and that is said and counted. One at a time; signals that come meanwhile are one more. The answer ends it.
 */
export function keepReloading(parts: ReloadParts): { config(): AgentConfig; close(): Promise<void> } {
  let { config } = parts
  let working: Promise<void> | undefined
  let isWanted = false
  const work = async (): Promise<void> => {
    for (; isWanted; ) {
      isWanted = false
      config = (await reloadOnce(parts, config)) ?? config
    }
    working = undefined
  }
  const off = parts.input.onHangUp(() => {
    isWanted = true
    working ??= work()
  })
  return {
    config: () => config,
    async close() {
      off()
      isWanted = false
      await working
    },
  }
}

/** The configuration that is in force now; undefined where nothing has changed. */
async function reloadOnce(parts: ReloadParts, current: AgentConfig): Promise<AgentConfig | undefined> {
  const { composed, input, log, report, services } = parts
  const tell = (message: string, hint: string | undefined): void => {
    const event = { kind: 'problem', code: 'configuration-not-taken', place: 'configuration', message, hint } as const
    report.add(event)
    log.event(event)
  }
  services.reloading()
  try {
    const { config, files } = await loadAgentConfig(input)
    const differs = (name: keyof AgentConfig): boolean => JSON.stringify(config[name]) !== JSON.stringify(current[name])
    const [refused] = bound.filter(differs)
    if (refused !== undefined) {
      tell(`not taken: ${nameOf(refused)} differs, which one agent cannot change while it runs`, 'restart it')
      services.reloaded(undefined)
      return undefined
    }
    for (const name of later.filter(differs)) tell(`${nameOf(name)} is taken at the next start only`, 'restart it')
    await composed.reload({ sources: config.sources, destinations: config.destinations, rate: config.rate })
    services.reloaded(config)
    log.info('configuration taken', { files: files.join(', '), sources: config.sources.length })
    return config
  } catch (error) {
    tell(
      `not taken, the one before stays: ${messageOf(error)}`,
      isCode(error, 'invalid', 'refused') ? error.hint : undefined,
    )
    services.reloaded(undefined)
    return undefined
  }
}

/** As the configuration calls it. */
function nameOf(setting: string): string {
  return setting === 'stateDirectory' ? 'state' : setting.replace(/Ms$/, '')
}
