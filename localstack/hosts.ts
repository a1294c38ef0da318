import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout, environment, type Host, logOf, place, type Running, vault } from './place.ts'
import { start } from './processes.ts'

/** A host is a directory with logs, a state and a configuration of its own, as the Terraform modules put it out. */
export function startAgent(host: Host, endpoint: string): Running {
  const directory = join(place, host)
  mkdirSync(join(directory, 'log'), { recursive: true })
  const settings = {
    host: '{aws_userid}',
    // Each as if it were a machine.
    machineId: host === 'web-1' ? '1'.repeat(32) : '2'.repeat(32),
    state: join(directory, 'state'),
    sources: [{ name: 'app', include: [`${logOf(host)}*`], sealAfter: '2s' }],
    destinations: [{ name: 'vault', url: vault, region: 'us-east-1', retention: '30d' }],
  }
  writeFileSync(join(directory, 'agent.yaml'), `${JSON.stringify(settings, null, 2)}\n`)
  const command = [process.execPath, join(checkout, 'src/main.ts'), 'agent', '-c', join(directory, 'agent.yaml')]
  return start(host, command, environment(endpoint, host))
}
