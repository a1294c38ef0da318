import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { down } from './down.ts'
import { startAgent } from './hosts.ts'
import { makeResources } from './make-resources.ts'
import {
  checkout,
  environment,
  hosts,
  isRunning,
  place,
  queueUrl,
  type Record,
  readRecord,
  recordFile,
  region,
  vault,
} from './place.ts'
import { ready, start } from './processes.ts'
import { freePort, type StoreName, startStore } from './store.ts'

/** `localstack/up [ministack|localstack]`: a local AWS, its buckets and queue, two hosts' agents, a compactor with its page. */
async function up(store: StoreName): Promise<void> {
  const before = readRecord()
  if (before?.processes.every(isRunning)) {
    say(`already up: ${before.page}, AWS at ${before.endpoint}`)
    return
  }
  // What is left of one that was killed.
  if (existsSync(place)) await down()
  mkdirSync(place, { recursive: true })

  const endpoint = `http://127.0.0.1:${await freePort(4566)}`
  const page = `http://127.0.0.1:${await freePort(8470)}`
  const record: Record = { endpoint, page, store, processes: [] }
  const keep = (): void => writeFileSync(recordFile, `${JSON.stringify(record, null, 2)}\n`)
  keep()
  try {
    record.processes.push(await startStore(store, Number(new URL(endpoint).port)))
    keep()
    say(`aws        ${store} at ${endpoint}`)
    writeProfiles()
    say(`resources  ${await makeResources(endpoint)} requests of localstack/resources.json`)

    for (const host of hosts) {
      record.processes.push(startAgent(host, endpoint))
      keep()
      say(`${host}      an agent, as the role log-agent in the session i-${host}; ${join(place, host, 'log')}`)
    }

    writeFileSync(join(place, 'server.yaml'), serverYaml(page, endpoint))
    const server = start(
      'server',
      [...logcask, 'serve', '-c', join(place, 'server.yaml')],
      environment(endpoint, 'operator'),
    )
    record.processes.push(server)
    keep()
    await ready(server, 60_000, async () => (await fetch(`${page}/readyz`, { signal: AbortSignal.timeout(5_000) })).ok)
    say(`server     ${page}, complete files in ${join(place, 'published')}`)
    say('next: localstack/demo, then localstack/down')
  } catch (error) {
    await down()
    throw error
  }
}

export const logcask = [process.execPath, join(checkout, 'src/main.ts')]

/** The operator has the account's keys; an agent takes on its role, in a session that AWS calls by its host. */
function writeProfiles(): void {
  const role = (host: string): string =>
    `[profile ${host}]\nrole_arn = arn:aws:iam::000000000000:role/log-agent\nrole_session_name = i-${host}\nsource_profile = operator\nregion = ${region}\n`
  const operator = `[profile operator]\naws_access_key_id = test\naws_secret_access_key = test\nregion = ${region}\n`
  writeFileSync(join(place, 'aws.config'), [operator, ...hosts.map(role)].join('\n'))
}

function serverYaml(page: string, endpoint: string): string {
  const settings = {
    from: vault,
    to: join(place, 'published'),
    listen: new URL(page).host,
    events: { queue: queueUrl(endpoint) },
  }
  // JSON is YAML.
  return `${JSON.stringify(settings, null, 2)}\n`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

const [wanted = 'ministack', ...more] = process.argv.slice(2)
if (!['ministack', 'localstack'].includes(wanted) || more.length > 0) {
  process.stderr.write('localstack/up [ministack|localstack]\n')
  process.exitCode = 2
} else {
  await up(wanted as StoreName).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
}
