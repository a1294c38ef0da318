import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Comparison,
  compareWithFiles,
  type Holdings,
  holdingsBelow,
  holdingsOf,
} from '../scenarios/stored-content.ts'
import { type FaultS3, startFaultS3 } from '../support/fault-s3.ts'
import { makeTempDirectory } from '../support/temp-directory.ts'
import { Processes } from './processes.ts'
import { WriteOnce } from './write-once.ts'

export interface SiteStore {
  name: string
  url: string
  endpoint?: string
  read(): Promise<Holdings>
}

type Settings = Readonly<Record<string, unknown>>

/** Where one history of crashes happens: logs, a state, a store of each kind, and what is published of the first. */
export class Site {
  readonly directory: string
  readonly logs: string
  readonly state: string
  readonly sink: string
  /** Of the store that is a directory. */
  readonly root: string
  readonly server: FaultS3
  readonly processes: Processes
  stores: readonly SiteStore[]
  readonly #remove: () => Promise<void>
  readonly #inStores = new Map<string, WriteOnce>()
  readonly #published = new WriteOnce({ mayGrow: true })

  private constructor(parts: { directory: string; server: FaultS3; processes: Processes; remove(): Promise<void> }) {
    const { directory, server, processes, remove } = parts
    this.directory = directory
    this.logs = join(directory, 'logs')
    this.state = join(directory, 'state')
    this.sink = join(directory, 'sink')
    this.root = join(directory, 'store')
    this.server = server
    this.processes = processes
    this.#remove = remove
    this.stores = [
      { name: 'file', url: `file://${this.root}`, read: () => holdingsBelow(this.root) },
      {
        name: 's3',
        url: 's3://bucket/logs',
        endpoint: server.endpoint,
        read: async () => withoutPrefix(holdingsOf(server.objects)),
      },
    ]
  }

  /** With a directory and a fault server as stores; `options.stores` instead of them, and what lets us in there. */
  static async create(
    label: string,
    options: { stores?: SiteStore[]; env?: Record<string, string> } = {},
  ): Promise<Site> {
    const processes = await Processes.create(options.env)
    const { path: directory, remove } = await makeTempDirectory(`crash-${label}`)
    await mkdir(join(directory, 'logs'))
    const site = new Site({ directory, server: await startFaultS3(), processes, remove })
    if (options.stores !== undefined) site.stores = options.stores
    for (const { name } of site.stores) site.#inStores.set(name, new WriteOnce())
    return site
  }

  /** Where a system call can have been meant for, by name. */
  get rooms(): Record<string, string> {
    const { state, sink, root: store, logs } = this
    return { state, sink, store, logs }
  }

  /** Paths that are named alike in every run: strace tells calls on our files from those of the runtime by them. */
  async knownPaths(): Promise<string[]> {
    const records = join(this.sink, '.logcask/streams/crash-1')
    const ofState = ['', 'lock', 'agent.json', 'checkpoint.jsonl', 'status.json'].map((name) => join(this.state, name))
    const ofStore = ['', '.logcask', '.logcask/tmp', '.logcask/store.json', 'segments/crash-1'].map((name) =>
      join(this.root, name),
    )
    const logs = (await readdir(this.logs)).map((name) => join(this.logs, name))
    const kept = (await readdir(records).catch(() => [])).flatMap((name) => [
      join(records, name),
      join(records, `${name}.new`),
    ])
    const streams = (await readdir(join(this.root, 'segments/crash-1')).catch(() => [])).map((name) =>
      join(this.root, 'segments/crash-1', name),
    )
    // The list becomes strace's arguments: some of each kind are enough.
    return [...ofState, ...ofStore, this.sink, ...logs.slice(0, 20), ...kept.slice(0, 20), ...streams.slice(0, 20)]
  }

  /** `--to URL` for each store. */
  get to(): string[] {
    return this.stores.flatMap(({ url, endpoint }) => [
      '--to',
      endpoint === undefined ? url : `${url}?endpoint=${endpoint}`,
    ])
  }

  /** Writes an agent's configuration, and answers its path. */
  async configure(name = 'agent', more: Settings = {}, ofDestinations: Settings = {}): Promise<string> {
    const config = join(this.directory, `${name}.yaml`)
    const settings = {
      host: 'crash-1',
      state: this.state,
      sources: [{ name: 'logs', include: [`${this.logs}/**/*.log*`], sealAfter: '1s' }],
      destinations: this.stores.map(({ name: store, url, endpoint }) => ({
        name: store,
        url,
        ...(endpoint === undefined ? {} : { endpoint }),
        budget: { burst: 1000, everySeconds: 0.1 },
        ...ofDestinations,
      })),
      scanInterval: '1s',
      log: { level: 'warn' },
      ...more,
    }
    await writeFile(config, JSON.stringify(settings))
    return config
  }

  /** The logs as they are now. */
  async files(): Promise<Map<string, Uint8Array>> {
    const files = new Map<string, Uint8Array>()
    const entries = await readdir(this.logs, { recursive: true, withFileTypes: true })
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name)
      files.set(path, await readFile(path))
    }
    return files
  }

  /** Holds what is in the stores and published now against what was there at earlier looks. */
  async look(): Promise<void> {
    for (const { name, read } of this.stores) this.#inStores.get(name)?.look(await read())
    this.#published.look(await holdingsBelow(this.sink))
  }

  /** What was there once and is not, or is not the same. */
  get rewritten(): string[] {
    const inStores = [...this.#inStores].flatMap(([name, { rewritten }]) =>
      [...rewritten].map((key) => `${name}: ${key}`),
    )
    return [...inStores, ...[...this.#published.rewritten].map((path) => `published: ${path}`)]
  }

  async compare(files: ReadonlyMap<string, Uint8Array>): Promise<Map<string, Comparison>> {
    const comparisons = new Map<string, Comparison>()
    for (const { name, read } of this.stores) comparisons.set(name, compareWithFiles(files, await read()))
    return comparisons
  }

  async close({ isKept = false } = {}): Promise<void> {
    await this.processes.close()
    await this.server.close()
    if (!isKept) await this.#remove()
  }
}

function withoutPrefix(holdings: Holdings): Holdings {
  return new Map([...holdings].map(([key, body]) => [key.replace(/^logs\//, ''), body]))
}
