import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes, formatCount } from '../../src/cli/terminal/units.ts'
import { DeliveryWatch } from './delivery.ts'
import type { TortureOptions } from './options.ts'
import { compareOtherReaders, type KnownStream } from './other-readers.ts'
import { addUp, isOutcomeSound, sum, type TortureOutcome } from './outcome.ts'
import { readStreams } from './read-back.ts'
import { openStage, type Stage } from './stage.ts'
import { killAll, startProcess } from './torture-process.ts'
import { TorturedHost } from './tortured-host.ts'
import { judge } from './verdict.ts'
import { pause, Victim } from './victim.ts'

/** Beyond this what is still to be delivered counts as lost. */
const restMsMax = 180_000
const lookEveryMs = 5_000
const looksPerPace = 3

export interface Audience {
  say(text: string): void
  /** A line about how it goes. */
  progress(text: string): void
  signal: AbortSignal
}

/** All of it: the torture, the rest, the reading back. Throws where the store cannot be reached. */
export async function runTorture(options: TortureOptions, audience: Audience): Promise<TortureOutcome> {
  const stage = await openStage(options)
  try {
    audience.say(`${stage.target.url} · seed ${options.seed} · logs and states in ${stage.directory}`)
    const run = new TortureRun(options, audience, stage)
    return await run.run()
  } finally {
    killAll()
    await stage.close()
  }
}

class TortureRun {
  readonly #options: TortureOptions
  readonly #audience: Audience
  readonly #stage: Stage
  readonly #published: string
  readonly #compact: readonly string[]
  readonly #problems: string[] = []
  readonly #startMs = performance.now()

  constructor(options: TortureOptions, audience: Audience, stage: Stage) {
    this.#options = options
    this.#audience = audience
    this.#stage = stage
    this.#published = join(stage.directory, 'published')
    this.#compact = stage.logcask('compact', '--from', stage.target.url, '--to', this.#published, ...this.#storeFlags())
  }

  async run(): Promise<TortureOutcome> {
    const { durationMs } = this.#options
    const hosts = await this.#createHosts()
    const compactor = await this.#startCompactor()
    const over = new AbortController()
    const end = AbortSignal.any([over.signal, this.#audience.signal])
    const timer = setTimeout(() => over.abort(), durationMs)
    try {
      await Promise.all([
        ...hosts.flatMap((host) => [host.write(end), host.agent.torment(end)]),
        compactor.torment(end),
        this.#look(hosts, compactor, end),
      ])
    } finally {
      clearTimeout(timer)
      over.abort()
    }
    this.#audience.signal.throwIfAborted()
    await this.#rest(hosts, compactor)
    return this.#readBack(hosts, compactor)
  }

  /** How the product reaches the store: past nothing but the proxy. */
  #storeFlags(): string[] {
    const { target, proxy } = this.#stage
    if (target.scheme === 'file' || proxy === undefined) return []
    const profile = target.profile === undefined ? [] : ['--profile', target.profile]
    return ['--endpoint', proxy.endpoint, '--region', target.region, ...profile]
  }

  async #createHosts(): Promise<TorturedHost[]> {
    const { target, directory, proxy, random, store, oracle, note, pace, logcask } = this.#stage
    const { agents, bytesPerSecond } = this.#options
    const watch = new DeliveryWatch(store)
    const hosts: TorturedHost[] = []
    for (let at = 1; at <= agents; at++) {
      const name = `host-${at}`
      const host = await TorturedHost.create({
        name,
        logcask,
        directory: join(directory, name),
        url: target.url,
        endpoint: proxy?.endpoint,
        region: target.scheme === 's3' ? target.region : undefined,
        profile: target.scheme === 's3' ? target.profile : undefined,
        oracle,
        watch,
        random: random.fork(),
        bytesPerSecond: bytesPerSecond / agents,
        scheme: at % 2 === 1 ? 'renamed' : 'copied',
        note,
        pace,
      })
      hosts.push(host)
    }
    return hosts
  }

  async #startCompactor(): Promise<Victim> {
    const { directory, random, note, pace } = this.#stage
    await mkdir(this.#published)
    const logFile = join(directory, 'compactor.log')
    const start = () => startProcess([...this.#compact, '--interval', '500ms'], logFile)
    return new Victim({ name: 'the compactor', logFile, start, random: random.fork(), note, pace })
  }

  /** At all objects every few seconds: what was seen once must stay. */
  async #look(hosts: readonly TorturedHost[], compactor: Victim, signal: AbortSignal): Promise<void> {
    const { store, sightings, pace } = this.#stage
    for (let looks = 1; ; looks++) {
      await pause(lookEveryMs, signal)
      if (signal.aborted) return
      const objects = await store.list('')
      sightings.seeAll(objects)
      if (looks % looksPerPace === 0) await pace.measure()
      this.#audience.progress(this.#progressLine(storedBytes(objects), hosts, compactor))
    }
  }

  #progressLine(stored: number, hosts: readonly TorturedHost[], compactor: Victim): string {
    const { proxy, oracle } = this.#stage
    const rotations = sum(hosts.map(({ rotationCounts }) => sum(rotationCounts.values())))
    const kills = sum(hosts.map(({ agent }) => agent.kills)) + compactor.kills
    const counts = [
      `${formatBytes(oracle.bytes)} written`,
      `${formatBytes(stored)} stored`,
      `${rotations} rotations`,
      `${kills} kills`,
      ...(proxy === undefined
        ? []
        : [
            `${formatCount(sum(proxy.requests.values()))} requests`,
            `${formatCount(sum(proxy.faults.values()))} faults`,
          ]),
    ]
    return `${((performance.now() - this.#startMs) / 1000).toFixed(0).padStart(5)} s  ${counts.join(' · ')}`
  }

  /** No faults, no kills: everything must arrive now. */
  async #rest(hosts: readonly TorturedHost[], compactor: Victim): Promise<void> {
    const { proxy, store, oracle } = this.#stage
    const { signal } = this.#audience
    proxy?.calm()
    // Half of what is late lands while the agents catch up, half when they are done.
    await proxy?.release(Math.ceil(proxy.lateCount / 2))
    const endMs = performance.now() + restMsMax
    for (;;) {
      const stored = storedBytes(await store.list('segments/'))
      this.#audience.progress(`${this.#progressLine(stored, hosts, compactor)} · at rest`)
      if (stored >= oracle.bytes || performance.now() > endMs) break
      await pause(lookEveryMs, signal)
      signal.throwIfAborted()
    }
    for (const host of hosts) {
      const status = await host.agent.stop(60_000)
      if (status !== '0') this.#problems.push(`${host.name}: the agent that was told to stop ended with ${status}`)
      // What a daemon still waits for (a compressed file that may grow) is decided now.
      const once = await host.deliverOnce()
      // 3: with gaps, for ends that nobody saw.
      if (once !== '0' && once !== '3') this.#problems.push(`${host.name}: agent --once ended with ${once}`)
    }
    await proxy?.release()
    await compactor.stop(20_000)
  }

  async #readBack(hosts: readonly TorturedHost[], compactor: Victim): Promise<TortureOutcome> {
    const { target, store, directory, sightings, proxy, plan, oracle, logcask } = this.#stage
    this.#audience.progress(`reading back ${target.url}`)
    const objects = await store.list('')
    sightings.seeLast(objects)
    await writeFile(join(directory, 'lives.json'), JSON.stringify(oracle.lives, null, 1))
    const known: KnownStream[] = []
    const streams = readStreams(store, objects, (key, sha256) => sightings.see(key, { sha256 }))
    const verdict = await judge(oracle, streams, (stream) => known.push(stream))
    const readers = await compareOtherReaders(known, {
      published: this.#published,
      compact: this.#compact,
      cat: (host, stream) => logcask('cat', target.url, host, '--stream', stream, ...this.#storeFlags()),
      logFile: join(directory, 'compactor.log'),
    })
    const agents = hosts.map(({ agent }) => agent)
    const outcome = {
      url: target.url,
      seed: this.#options.seed,
      directory,
      seconds: Math.round((performance.now() - this.#startMs) / 1000),
      hosts: hosts.length,
      writtenBytes: oracle.bytes,
      writtenLines: oracle.lineCount,
      files: oracle.lives.filter(({ bytes }) => bytes > 0).length,
      verdict,
      sightings: { objects: sightings.count, rewritten: sightings.rewritten, vanished: sightings.vanished },
      rotations: addUp(hosts.map(({ rotationCounts }) => rotationCounts)),
      kills: {
        agents: sum(agents.map(({ kills }) => kills)),
        statesDeleted: sum(agents.map(({ statesDeleted }) => statesDeleted)),
        frozen: sum([...agents, compactor].map(({ frozen }) => frozen)),
        compactors: compactor.kills,
      },
      readers,
      proxy: proxy && {
        requests: proxy.requests,
        faults: proxy.faults,
        lateAnswers: proxy.lateAnswers,
        outages: plan.outages,
      },
      problems: [...this.#problems, ...[...agents, compactor].flatMap(({ surprises }) => surprises)],
    }
    const isSound = isOutcomeSound(outcome)
    const isKept = this.#options.isKept || !isSound
    if (!isKept) await rm(directory, { recursive: true, force: true })
    return { ...outcome, isSound, directory: isKept ? directory : undefined }
  }
}

function storedBytes(objects: readonly { key: string; size: number }[]): number {
  return sum(objects.filter(({ key }) => key.startsWith('segments/')).map(({ size }) => size))
}
