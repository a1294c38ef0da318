import { closest } from '../base/closest.ts'
import { LogcaskError } from '../base/errors.ts'
import { hostName } from '../format/keys.ts'

export interface HostFacts {
  hostname: string
  /** Undefined where the machine has none. */
  machineId: string | undefined
}

const names = ['hostname', 'machine_id'] as const

/** The host that a template names on this machine. Throws `invalid` where it names none that a key can hold. */
export function expandHost(template: string, facts: HostFacts): string {
  checkHostTemplate(template)
  const values: Record<(typeof names)[number], string | undefined> = {
    hostname: facts.hostname,
    machine_id: facts.machineId,
  }
  const host = template.replace(/\{([a-z_]+)\}/g, (_, name: (typeof names)[number]) => {
    const value = values[name]
    if (value === undefined) {
      throw new LogcaskError('invalid', `host ${template}: this machine has no machine id`, {
        hint: 'run systemd-machine-id-setup, or set machineId: or another host:',
      })
    }
    return value
  })
  hostName(host)
  return host
}

/** Throws `invalid` for a template that no machine could expand. */
export function checkHostTemplate(template: string): void {
  for (const [whole, name = ''] of template.matchAll(/\{([^{}]*)\}|[{}]/g)) {
    if (names.some((known) => known === name)) continue
    const meant = closest(name, names)
    throw new LogcaskError(
      'invalid',
      `${template}: ${whole} stands for nothing${meant ? ` (did you mean {${meant}}?)` : ''}`,
      {
        hint: `there are ${names.map((known) => `{${known}}`).join(' and ')}`,
      },
    )
  }
}
