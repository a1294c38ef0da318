import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { LineTally } from './line.ts'
import type { PlainStore } from './plain-store.ts'
import { readStreams } from './read-back.ts'
import type { S3Target } from './target.ts'
import { startProcess, type TortureProcess } from './torture-process.ts'

/** Where one agent of the comparison works. */
export interface PeerPlace {
  /** Its state and messages. */
  directory: string
  /** The log, `app.log`; rotated ones are beside it. */
  log: string
  target: S3Target
  /** The proxy's. */
  endpoint: string
  /** Below the target's prefix, ends in '/'. */
  room: string
}

export interface PeerAgent {
  name: string
  start(): TortureProcess
  /** Counts every line that it has brought to the store. */
  count(store: PlainStore, tally: LineTally): Promise<void>
}

/** The program, or undefined where it is not installed. */
export function findFluentBit(): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/opt/fluent-bit/bin']
  return directories.map((directory) => join(directory, 'fluent-bit')).find((path) => existsSync(path))
}

/**
 * Tail with a database, buffers on disk, retries for ever: what its manual has for those who want to lose nothing. The
 * path names the live file only, as its manual asks for.
 */
export async function fluentBit(program: string, place: PeerPlace): Promise<PeerAgent> {
  const { directory, log, target, endpoint, room } = place
  await mkdir(directory, { recursive: true })
  const config = join(directory, 'fluent-bit.conf')
  await writeFile(
    config,
    `
[SERVICE]
    flush 1
    grace 30
    log_level info
    storage.path ${directory}/storage
    storage.sync full
[INPUT]
    name tail
    path ${log}
    db ${directory}/tail.db
    db.sync full
    read_from_head on
    refresh_interval 1
    rotate_wait 30
    storage.type filesystem
[OUTPUT]
    name s3
    match *
    bucket ${target.bucket}
    region ${target.region}
    endpoint ${endpoint}
    tls off
    use_put_object on
    total_file_size 1M
    upload_timeout 3s
    store_dir ${directory}/store
    s3_key_format /${target.prefix}${room}%Y%m%dT%H%M%S-$UUID
    log_key log
    retry_limit 1000
`,
  )
  return {
    name: 'fluent-bit',
    start: () => startProcess([program, '-c', config], join(directory, 'agent.log')),
    async count(store, tally) {
      for (const { key } of await store.list(room)) tally.add((await store.get(key)).body)
    },
  }
}

export async function logcaskPeer(logcask: (...args: string[]) => string[], place: PeerPlace): Promise<PeerAgent> {
  const { directory, log, target, endpoint, room } = place
  await mkdir(directory, { recursive: true })
  const config = join(directory, 'agent.yaml')
  const destination = { url: `${target.url}${room}`, endpoint, region: target.region, profile: target.profile }
  await writeFile(
    config,
    JSON.stringify({
      host: 'peer-1',
      state: join(directory, 'state'),
      sources: [{ name: 'log', include: [`${log}*`] }],
      destinations: [destination],
      scanInterval: '1s',
    }),
  )
  return {
    name: 'logcask',
    start: () => startProcess(logcask('agent', '-c', config), join(directory, 'agent.log')),
    async count(store, tally) {
      const objects = await store.list(room)
      const below = objects.map((object) => ({ ...object, key: object.key.slice(room.length) }))
      const inRoom = { ...store, get: (key: string) => store.get(room + key) }
      for await (const { content } of readStreams(inRoom, below, () => {})) tally.add(content)
    },
  }
}
