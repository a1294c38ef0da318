import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, type AgentParts } from '../../src/agent/agent.ts'
import type { AgentEvent, SourceSettings } from '../../src/agent/context.ts'
import type { Files } from '../../src/agent/files/files.ts'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { Spool } from '../../src/agent/spool/spool.ts'
import { SpoolFiles } from '../../src/agent/spool/spool-files.ts'
import { type Checkpoint, FileCheckpoint } from '../../src/agent/state/checkpoint.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { type Bucket, listNames, listObjects } from '../../src/bucket/bucket.ts'
import { createMemoryBucket, type MemoryBucket } from '../../src/bucket/memory.ts'
import { listSegments, readChain } from '../../src/bucket/stream-listing.ts'
import { decodeAlias } from '../../src/format/alias.ts'
import { decodeGap } from '../../src/format/gap.ts'
import { hostPrefix, parseKey } from '../../src/format/keys.ts'
import { type FaultBucket, faultBucket, type Rule } from '../support/fault-bucket.ts'

export const host = 'web-1'

export interface RigOptions extends Partial<AgentParts['settings']> {
  source?: Partial<SourceSettings>
  /** Instead of the one source over all logs. */
  sources?: AgentParts['settings']['sources']
  watch?: AgentParts['watch']
  openFilesMax?: number
  /** What the rescue spool may hold; without it there is none. */
  spoolBytes?: number
  /** A state directory of its own: another agent on the same files. */
  state?: string
  budget?: { capacity: number; perSecond: number }
  files?: Files
  clock?: Clock
  findWriters?: AgentParts['findWriters']
}

/** A running daemon. */
export interface Daemon {
  agent: Agent
  events: AgentEvent[]
  /** SIGTERM: stops in order, state saved. */
  stop(): Promise<void>
  /** SIGKILL, as far as a process can do it to a part of itself: nothing is saved any more from this moment on. */
  kill(): Promise<void>
}

/** A directory of logs, buckets in memory, and agents over them: real files, time that runs faster, no network. */
export interface Rig {
  directory: string
  logs: string
  state: string
  buckets: Map<string, FaultBucket>
  events: AgentEvent[]
  agent(options?: RigOptions): Agent
  /** Runs a one-shot over all logs to its end. */
  once(options?: RigOptions): Promise<void>
  daemon(options?: RigOptions): Daemon
  /** Stream → content, by the chain. */
  contents(bucket?: string): Promise<Map<string, string>>
  keys(bucket: string, prefix: string): Promise<string[]>
  /** `<offset> <reason>` of every open gap, `<offset>-<end> <reason>` of the others, sorted. */
  gaps(bucket?: string): Promise<string[]>
  /** Reasons of all aliases. */
  aliases(bucket?: string): Promise<string[]>
  /** Lengths of all seals, sorted as numbers. */
  seals(bucket?: string): Promise<number[]>
  /** Whoever deletes the state directory deletes all of it. */
  loseState(): Promise<void>
  fault(bucket: string, rule: Rule | undefined): void
  /** Another store in the destination's place: an older copy of it, or an empty one. */
  restore(bucket: string, snapshot: ReadonlyMap<string, Uint8Array>): Promise<void>
  snapshot(bucket: string): Promise<Map<string, Uint8Array>>
  /** Waits until the chains of `bucket` hold these contents, and nothing else is on its way. */
  delivered(contents: readonly string[], bucket?: string): Promise<void>
  close(): Promise<void>
}

/** Agents' time against real time. */
const speed = 40

/** Waits are short, the wall clock is real: births of real files are compared with it. */
export function fastClock(factor = speed): Clock {
  return {
    ...systemClock,
    monotonic: () => systemClock.monotonic() * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
    timer: (ms, callback) => systemClock.timer(ms / factor, callback),
  }
}

export async function rig(names: readonly string[] = ['a']): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), 'logcask-agent-'))
  const logs = join(directory, 'logs')
  const state = join(directory, 'state')
  await mkdir(logs)
  await mkdir(state)
  const clock = fastClock()
  const stores = new Map<string, MemoryBucket>(names.map((name) => [name, createMemoryBucket(systemClock)]))
  const buckets = new Map<string, FaultBucket>(
    names.map((name) => [
      name,
      faultBucket(
        behind(() => stores.get(name) as MemoryBucket),
        clock,
      ),
    ]),
  )
  const events: AgentEvent[] = []
  const running = new Set<Daemon>()

  const build = (options: RigOptions, report: (event: AgentEvent) => void, checkpoint: Checkpoint): Agent => {
    const {
      source,
      sources,
      watch,
      openFilesMax,
      spoolBytes,
      state: ownState,
      budget,
      files,
      clock: ownClock,
      findWriters,
      ...settings
    } = options
    const spoolDirectory = join(ownState ?? state, 'spool')
    return new Agent({
      settings: {
        host,
        machine: 'machine-1',
        version: 'test',
        spoolDirectory,
        sources: sources ?? [
          {
            name: 'logs',
            include: [`${logs}/**`],
            exclude: [],
            followSymlinks: false,
            sealAfterMs: 2_000,
            copies: 'new-stream',
            ...source,
          },
        ],
        isOneShot: false,
        scanIntervalMs: 1_000,
        ...settings,
      },
      clock: ownClock ?? clock,
      files: files ?? localFiles({ birthTimes: true, spoolDirectory }),
      destinations: [...buckets].map(([name, bucket]) => ({
        name,
        bucket,
        budget: budget ?? { capacity: 1000, perSecond: 1000 },
        bytesInFlightMax: 16 * 1024 * 1024,
        admit: () => Promise.resolve(),
      })),
      checkpoint,
      report,
      openFilesMax: openFilesMax ?? 1000,
      spool: spoolBytes === undefined ? undefined : new Spool(new SpoolFiles(spoolDirectory), spoolBytes),
      watch,
      findWriters,
    })
  }

  const made: Rig = {
    directory,
    logs,
    state,
    buckets,
    events,
    agent: (options = {}) =>
      build(options, (event) => void events.push(event), new FileCheckpoint(options.state ?? state)),
    async once(options) {
      const limit = AbortSignal.timeout(15_000)
      await made.agent({ ...options, isOneShot: true }).run(limit)
      if (limit.aborted) throw new Error('the one-shot run did not end')
    },
    daemon(options = {}) {
      const stop = new AbortController()
      const saved = mortal(new FileCheckpoint(options.state ?? state))
      const own: AgentEvent[] = []
      const report = (event: AgentEvent): void => {
        own.push(event)
        events.push(event)
      }
      const agent = build(options, report, saved.checkpoint)
      const ended = agent.run(stop.signal)
      // Awaited by whoever stops it; until then a failure is no unhandled one.
      ended.catch(() => {})
      const end = (): Promise<void> => {
        running.delete(daemon)
        stop.abort(new Error('stopped'))
        return ended
      }
      const daemon: Daemon = {
        agent,
        events: own,
        stop: end,
        kill: () => {
          saved.kill()
          return end()
        },
      }
      running.add(daemon)
      return daemon
    },
    async contents(name = 'a') {
      const bucket = stores.get(name) as Bucket
      const found = new Map<string, string>()
      for (const stream of await listNames(bucket, hostPrefix('segments', host))) {
        const parts: Uint8Array[] = []
        for await (const { bytes } of readChain(bucket, await listSegments(bucket, host, stream))) parts.push(bytes)
        found.set(stream, Buffer.concat(parts).toString('latin1'))
      }
      return found
    },
    keys: async (name, prefix) => (await listObjects(stores.get(name) as Bucket, prefix)).map((entry) => entry.key),
    async gaps(name = 'a') {
      const found: string[] = []
      for (const key of await made.keys(name, 'gaps/')) {
        const parsed = parseKey(key)
        const body = (await stores.get(name)?.get(key))?.body
        if (parsed?.kind !== 'gap' || !body) continue
        const range = parsed.end === 'open' ? `${parsed.offset}` : `${parsed.offset}-${parsed.end}`
        found.push(`${range} ${decodeGap(body).reason}`)
      }
      return found.sort()
    },
    async aliases(name = 'a') {
      const found: string[] = []
      for (const key of await made.keys(name, 'aliases/')) {
        const body = (await stores.get(name)?.get(key))?.body
        if (body) found.push(decodeAlias(body).reason)
      }
      return found.sort()
    },
    async seals(name = 'a') {
      const lengths = (await made.keys(name, 'seals/')).map((key) => {
        const parsed = parseKey(key)
        return parsed?.kind === 'seal' ? parsed.length : -1
      })
      return lengths.sort((a, b) => a - b)
    },
    async loseState() {
      await rm(state, { recursive: true })
      await mkdir(state)
    },
    fault: (name, rule) => buckets.get(name)?.setRule(rule),
    async snapshot(name) {
      const store = stores.get(name) as MemoryBucket
      const found = new Map<string, Uint8Array>()
      for (const { key } of await listObjects(store, ''))
        found.set(key, (await store.get(key))?.body ?? new Uint8Array())
      return found
    },
    async restore(name, snapshot) {
      const store = stores.get(name) as MemoryBucket
      const kept = createMemoryBucket(systemClock)
      for (const key of snapshot.keys()) {
        const got = await store.get(key)
        if (got) await kept.put(key, got.body, { mode: 'create', metadata: got.metadata })
      }
      stores.set(name, kept)
    },
    async delivered(contents, name = 'a') {
      const wanted = [...contents].sort()
      let last: string[] = []
      await until(
        () => `${name}: ${brief(last)} instead of ${brief(wanted)}`,
        async () => {
          last = [...(await made.contents(name)).values()].sort()
          return last.length === wanted.length && last.every((text, at) => text === wanted[at])
        },
      )
    },
    async close() {
      await Promise.all([...running].map((daemon) => daemon.kill().catch(() => {})))
      await rm(directory, { recursive: true, force: true })
    },
  }
  return made
}

const brief = (texts: readonly string[]): string =>
  JSON.stringify(texts.map((text) => (text.length > 40 ? `${text.slice(0, 30)}… ${text.length} B` : text)))

/** A bucket whose store can be exchanged for an older one. */
function behind(store: () => MemoryBucket): Bucket {
  return {
    url: 'memory:///',
    capabilities: { versions: false },
    put: (key, body, options) => store().put(key, body, options),
    putLarge: (key, body, options) => store().putLarge(key, body, options),
    get: (key, options) => store().get(key, options),
    head: (key, options) => store().head(key, options),
    list: (prefix, options) => store().list(prefix, options),
    close: () => Promise.resolve(),
  }
}

function mortal(inner: Checkpoint): { checkpoint: Checkpoint; kill(): void } {
  let isDead = false
  return {
    checkpoint: {
      load: (destinations) => inner.load(destinations),
      save: (...saved) => (isDead ? Promise.resolve() : inner.save(...saved)),
      close: () => inner.close(),
    },
    kill: () => {
      isDead = true
    },
  }
}

/** Waits until `condition` answers true; fails with `what` after 10 s. */
export async function until(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
  limitMs = 50_000,
): Promise<void> {
  const end = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not reached: ${typeof what === 'string' ? what : what()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** `bytes` of text that repeats nowhere. */
export function text(bytes: number, seed = 'x'): string {
  let out = ''
  for (let line = 0; out.length < bytes; line++) out += `${seed} ${line} ${(line * 2654435761) >>> 0}\n`
  return out.slice(0, bytes)
}
