import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, type AgentParts } from '../../src/agent/agent.ts'
import { FileCheckpoint } from '../../src/agent/checkpoint.ts'
import type { AgentEvent, SourceSettings } from '../../src/agent/context.ts'
import { localFiles } from '../../src/agent/local-files.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type Bucket, listNames, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { listSegments, readChain } from '../../src/bucket/stream-listing.ts'
import { hostPrefix } from '../../src/format/keys.ts'

/** A directory of logs, buckets in memory, and agents over them: real files, real time, no network. */
export interface Rig {
  directory: string
  logs: string
  state: string
  buckets: Map<string, Bucket>
  events: AgentEvent[]
  agent(options?: Partial<AgentParts['settings']> & { source?: Partial<SourceSettings> }): Agent
  /** Runs a one-shot over all logs to its end. */
  once(options?: Parameters<Rig['agent']>[0]): Promise<void>
  /** Stream → content, by the chain. */
  contents(bucket?: string): Promise<Map<string, string>>
  keys(bucket: string, prefix: string): Promise<string[]>
  close(): Promise<void>
}

export async function rig(names: readonly string[] = ['a']): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), 'logcask-agent-'))
  const logs = join(directory, 'logs')
  const state = join(directory, 'state')
  const { mkdir } = await import('node:fs/promises')
  await mkdir(logs)
  await mkdir(state)
  const buckets = new Map<string, Bucket>(names.map((name) => [name, createMemoryBucket(systemClock)]))
  const events: AgentEvent[] = []
  const made: Rig = {
    directory,
    logs,
    state,
    buckets,
    events,
    agent({ source, ...settings } = {}) {
      return new Agent({
        settings: {
          host: 'web-1',
          machine: 'machine-1',
          version: 'test',
          spoolDirectory: join(state, 'spool'),
          sources: [{ name: 'logs', include: [`${logs}/**`], exclude: [], followSymlinks: false, sealAfterMs: 200, copies: 'new-stream', ...source }],
          isOneShot: false,
          scanIntervalMs: 100,
          ...settings,
        },
        clock: systemClock,
        files: localFiles({ birthTimes: true, spoolDirectory: join(state, 'spool') }),
        destinations: [...buckets].map(([name, bucket]) => ({
          name,
          bucket,
          budget: { capacity: 1000, perSecond: 1000 },
          bytesInFlightMax: 16 * 1024 * 1024,
          admit: () => Promise.resolve(),
        })),
        checkpoint: new FileCheckpoint(state),
        report: (event) => events.push(event),
        openFilesMax: 1000,
      })
    },
    once: (options) => made.agent({ ...options, isOneShot: true }).run(AbortSignal.timeout(20_000)),
    async contents(name = 'a') {
      const bucket = buckets.get(name)!
      const found = new Map<string, string>()
      for (const stream of await listNames(bucket, hostPrefix('segments', 'web-1'))) {
        const parts: Uint8Array[] = []
        for await (const { bytes } of readChain(bucket, await listSegments(bucket, 'web-1', stream))) parts.push(bytes)
        found.set(stream, Buffer.concat(parts).toString('latin1'))
      }
      return found
    },
    keys: async (name, prefix) => (await listObjects(buckets.get(name)!, prefix)).map((entry) => entry.key),
    close: () => rm(directory, { recursive: true, force: true }),
  }
  return made
}

/** Waits until `condition` answers true; fails with `what` after 10 s. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not reached: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
