import { LogcaskError } from '../base/errors.ts'
import { checkTemplate, expandTemplate } from '../base/template.ts'
import { hostName } from '../format/keys.ts'

export interface HostFacts {
  hostname: string
  /** Undefined where the machine has none. */
  machineId: string | undefined
}

/** What only a cloud tells, and is asked for only where a template says so. */
export interface InstanceFacts {
  instanceId?: string | undefined
  awsUserId?: string | undefined
}

export const hostNames = ['hostname', 'machine_id', 'instance_id', 'aws_userid']
/** For what a stream is called where it is published. */
export const renameNames = [
  'name',
  'filename',
  'path',
  'time',
  'atime',
  'mtime',
  'ctime',
  'ino',
  'dev',
  'host',
  'machine_id',
  'instance_id',
  'aws_userid',
]
export const urlNames = ['hostname', 'machine_id']

/** The host that a template names on this machine. Throws `invalid` where it names none that a key can hold. */
export function expandHost(template: string, facts: HostFacts & InstanceFacts): string {
  checkHostTemplate(template)
  const host = expand(template, facts, `host ${template}`, 'another host:')
  hostName(host)
  return host
}

/** Throws `invalid` for a template that no machine could expand. */
export function checkHostTemplate(template: string): void {
  checkTemplate(template, hostNames)
}

/** A destination's URL on this machine. Throws `invalid`. */
export function expandUrl(template: string, facts: HostFacts): string {
  checkTemplate(template, urlNames)
  return expand(template, facts, template, 'another name')
}

function expand(template: string, facts: HostFacts & InstanceFacts, what: string, other: string): string {
  const values: Readonly<Record<string, string | undefined>> = {
    hostname: facts.hostname,
    machine_id: facts.machineId,
    instance_id: facts.instanceId,
    aws_userid: facts.awsUserId,
  }
  return expandTemplate(template, (name) => {
    const value = values[name]
    if (value !== undefined) return value
    if (name !== 'machine_id') throw new LogcaskError('invalid', `${what}: {${name}} is not known here`)
    throw new LogcaskError('invalid', `${what}: this machine has no machine id`, {
      hint: `run systemd-machine-id-setup, or set machineId: or ${other}`,
    })
  })
}
