import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startFaultS3 } from '../support/fault-s3.ts'
import { makeTempDirectory } from '../support/temp-directory.ts'
import { AgentProcess } from './agent-process.ts'
import {
  objectsBelow,
  objectsOf,
  type StoredObject,
  type StoredObjects,
  type StreamView,
  streamsOf,
} from './bucket-view.ts'
import type { RunOptions } from './logcask-process.ts'

export interface StageOptions {
  /** Beside name, include and sealAfter: what the configuration of a source may say. */
  source?: Record<string, unknown>
  /** Instead of one source for all: by the directory of the logs. */
  sources?: (logs: string) => Record<string, unknown>[]
  /** Beside url and budget. */
  destination?: Record<string, unknown>
  /** A server that fails as told, instead of a directory. */
  isS3?: boolean
  run?: RunOptions
  settings?: Record<string, unknown>
}

/** Logs, a bucket, and an agent between them that is configured as a user would: all in one temporary directory. */
export class Stage {
  readonly directory: string
  readonly logs: string
  readonly state: string
  readonly config: string
  readonly agent: AgentProcess
  readonly server: Awaited<ReturnType<typeof startFaultS3>> | undefined
  readonly #remove: () => Promise<void>
  #view: Promise<StreamView[]> | undefined
  #viewedAtMs = Number.NEGATIVE_INFINITY
  /** What was read of the bucket: keys are created once, so it holds. */
  readonly seen = new Map<string, StoredObject>()

  static async open(label: string, options: StageOptions = {}): Promise<Stage> {
    const { path, remove } = await makeTempDirectory(`scenario-${label}`)
    const server = options.isS3 ? await startFaultS3() : undefined
    const stage = new Stage(path, remove, server, options.run)
    await mkdir(stage.logs)
    await writeFile(stage.config, JSON.stringify(stage.settings(options)))
    return stage
  }

  private constructor(
    directory: string,
    remove: () => Promise<void>,
    server: Awaited<ReturnType<typeof startFaultS3>> | undefined,
    run?: RunOptions,
  ) {
    this.directory = directory
    this.logs = join(directory, 'logs')
    this.state = join(directory, 'state')
    this.config = join(directory, 'agent.yaml')
    this.server = server
    this.#remove = remove
    this.agent = new AgentProcess(this.config, run)
  }

  get bucket(): string {
    return join(this.directory, 'bucket')
  }

  get url(): string {
    return this.server ? `s3://bucket?endpoint=${this.server.endpoint}` : `file://${this.bucket}`
  }

  settings({ source = {}, sources, destination = {}, settings = {} }: StageOptions): Record<string, unknown> {
    const own = sources?.(this.logs) ?? [{ name: 'logs', include: [`${this.logs}/**`], ...source }]
    return {
      host: 'web-1',
      state: this.state,
      sources: own.map((one) => ({ sealAfter: '1s', ...one })),
      // Latency is not what is tried here: the budget would hold back the thousand appends of a test.
      destinations: [{ url: this.url, budget: { burst: 1000, everySeconds: 0.1 }, ...destination }],
      scanInterval: '1s',
      ...settings,
    }
  }

  /** What the bucket shows, at most 100 ms old: many ask. */
  view(): Promise<StreamView[]> {
    if (this.#view && performance.now() - this.#viewedAtMs < 100) return this.#view
    this.#view = this.#read(this.seen).then((objects) => {
      this.#viewedAtMs = performance.now()
      return streamsOf(objects)
    })
    this.#viewedAtMs = Number.POSITIVE_INFINITY
    return this.#view
  }

  /** The bucket as it is, read anew. */
  async objects(): Promise<StoredObjects> {
    return this.#read(new Map())
  }

  async #read(seen: Map<string, StoredObject>): Promise<StoredObjects> {
    return this.server ? objectsOf(this.server) : objectsBelow(this.bucket, seen)
  }

  /** What a scenario mounted below the directory, the last one first: nothing of it may be left, nor be removed. */
  #unmount(): void {
    if (process.platform !== 'linux') return
    const points = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
    for (const point of points.reverse())
      if (point.startsWith(`${this.directory}/`)) execFileSync('umount', ['-l', point])
  }

  async close(): Promise<void> {
    await this.agent.kill()
    await this.server?.close()
    this.#unmount()
    await this.#remove()
  }
}
