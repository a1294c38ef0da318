import type { Clock } from '../../base/clock.ts'
import { namesIn } from '../../base/template.ts'
import type { AgentConfig } from '../../config/agent-config.ts'
import { readMachine } from '../../config/machine.ts'
import { expandHost, type HostFacts, type InstanceFacts } from '../../config/template.ts'
import { readInstance } from './instance.ts'

/** This machine, as the configuration names it. */
export interface NamedMachine extends HostFacts, InstanceFacts {
  /** Files are stored under this name. */
  host: string
}

/** Asks the cloud only for what a template of the configuration holds. */
export async function nameMachine(
  config: Pick<AgentConfig, 'host' | 'machineId'> & { sources?: AgentConfig['sources'] },
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<NamedMachine> {
  const machine = await readMachine()
  const templates = [config.host, ...(config.sources ?? []).flatMap(({ rename }) => templatesOf(rename))]
  const facts = {
    hostname: machine.hostname,
    machineId: config.machineId ?? machine.machineId,
    ...(await readInstance(new Set(templates.flatMap((one) => [...namesIn(one)])), env, clock)),
  }
  return { ...facts, host: expandHost(config.host, facts) }
}

function templatesOf(rename: AgentConfig['sources'][number]['rename']): string[] {
  if (rename === undefined) return []
  return [typeof rename === 'string' ? rename : rename.to]
}
