import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../../src/base/hash.ts'
import type { StreamView } from './bucket-view.ts'
import { type ExpectedStream, LogFile, onDisk } from './log-file.ts'
import { until } from './logcask-process.ts'
import { whenLong } from './long.ts'
import { reuseInode } from './reuse-inode.ts'
import type { Stage } from './stage.ts'

/** What happens to the agent while a scenario does something: see family.ts. */
export type Pause = 'down' | 'killed' | 'frozen' | 'frozen to death'

/** One scenario's directory below the logs of a stage, and what the bucket must show of it. */
export class Room {
  readonly stage: Stage
  readonly directory: string
  /** A net: beyond it, what is to be there is said to be missing. */
  patienceMs = whenLong(600_000, 60_000)
  readonly #files: LogFile[] = []
  readonly #pause: (how: Pause, work: () => unknown) => Promise<void>
  readonly #skip: (why: string) => never
  #expected: readonly ExpectedStream[] | undefined
  #isByContent = false

  constructor(
    stage: Stage,
    name: string,
    pause: (how: Pause, work: () => unknown) => Promise<void>,
    skip: (why: string) => never,
  ) {
    this.#skip = skip
    this.stage = stage
    this.directory = join(stage.logs, name)
    this.#pause = pause
    mkdirSync(this.directory)
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** A new file, held open by its writer until the scenario is over. */
  create(name: string, options?: { isAppending?: boolean }): LogFile {
    return this.#keep(new LogFile(this.path(name), options))
  }

  /** A new file with the inode number that a deleted one had; where that cannot be had, the scenario is not run. */
  createWithInode(name: string, inode: number): LogFile {
    if (!reuseInode(this.path(name), inode)) this.#skip(`not run: inode ${inode} was not given out again here`)
    return this.reopen(name)
  }

  /** A file that is there, opened again. */
  reopen(name: string): LogFile {
    return this.#keep(new LogFile(this.path(name), { isNew: false }))
  }

  #keep(file: LogFile): LogFile {
    this.#files.push(file)
    return file
  }

  /** SIGTERM, `work`, start. */
  whileDown(work: () => unknown): Promise<void> {
    return this.#pause('down', work)
  }

  /** SIGKILL, `work`, start. */
  whileKilled(work: () => unknown): Promise<void> {
    return this.#pause('killed', work)
  }

  /** SIGSTOP, `work`, SIGCONT: nothing is read meanwhile, what is held open is held on. */
  whileFrozen(work: () => unknown): Promise<void> {
    return this.#pause('frozen', work)
  }

  /** SIGSTOP, `first`, SIGKILL, `second`, start: what `first` does the running agent cannot have seen. */
  whileFrozenToDeath(first: () => unknown, second: () => unknown): Promise<void> {
    return this.#pause('frozen to death', () => {
      first()
      return second
    })
  }

  /** Streams whose files were first seen in this room, and further generations of them of which nothing else is known. */
  async view(): Promise<StreamView[]> {
    return this.#own(await this.stage.view())
  }

  #own(views: readonly StreamView[]): StreamView[] {
    const isHere = ({ path }: StreamView): boolean => path?.startsWith(`${this.directory}/`) === true
    const identities = new Set(views.filter(isHere).map(({ identity }) => identity))
    return views.filter((view) => isHere(view) || (view.path === undefined && identities.has(view.identity)))
  }

  /** Resolves once the bucket shows these lives, each in one stream, byte by byte, and nothing else. */
  holds(...expected: readonly ExpectedStream[]): Promise<void> {
    this.#isByContent = false
    return this.#holds(expected)
  }

  /**
   * The same where several lives may have come and gone before anything of them was read: each is one stream all the
   * same, but it may be its copy's; and nobody can say that nothing is missing.
   */
  holdsBytesOf(...expected: readonly ExpectedStream[]): Promise<void> {
    this.#isByContent = true
    return this.#holds(expected)
  }

  async #holds(expected: readonly ExpectedStream[]): Promise<void> {
    this.#expected = expected
    let shown = ''
    const wanted = this.#wanted()
    const context = (): string =>
      `${difference(wanted, shown)}\nsaid:\n${said(this.stage.agent.said(), this.directory)}`
    await until(
      'the bucket holds what was written',
      async () => {
        shown = this.#shown(await this.stage.view())
        return shown === wanted
      },
      { withinMs: this.patienceMs, everyMs: 100, context },
    )
  }

  /** Resolves once the bucket says that the file at `path` holds the stream of `life`: it has no bytes of its own there. */
  async isAlias(path: string, life: ExpectedStream): Promise<void> {
    const { identity } = onDisk(path)
    await this.#until(`${path} is an alias`, life, ({ aliases }) => aliases.includes(identity))
  }

  /** Resolves once the stream of `life` is said to be complete. */
  async isSealed(life: ExpectedStream): Promise<void> {
    const wanted = life.content.length
    await this.#until('it is sealed', life, ({ seals }) => seals.some(({ length }) => length === wanted))
  }

  async #until(what: string, life: ExpectedStream, condition: (stream: StreamView) => boolean): Promise<void> {
    const isSo = async (): Promise<boolean> =>
      (await this.view()).some(
        (one) => one.identity === life.identity && one.content.equals(life.content) && condition(one),
      )
    const context = (): string => said(this.stage.agent.said(), this.directory)
    await until(what, isSo, { withinMs: this.patienceMs, everyMs: 100, context })
  }

  /** The same at the end of the family, all of it read anew; the answer is what differs. */
  judge(views: readonly StreamView[]): string | undefined {
    if (this.#expected === undefined) return undefined
    const shown = this.#shown(views)
    return shown === this.#wanted() ? undefined : `${this.directory}\n${difference(this.#wanted(), shown)}`
  }

  #wanted(): string {
    // Stable: lives of one file come in their order.
    const sorted = [...(this.#expected ?? [])].sort((a, b) =>
      a.identity === b.identity ? 0 : a.identity < b.identity ? -1 : 1,
    )
    return this.#text(sorted)
  }

  #shown(views: readonly StreamView[]): string {
    const ofFreeGaps = new Set(this.#expected?.filter(({ gaps }) => gaps === undefined).map(({ identity }) => identity))
    return this.#text(
      this.#own(views).map((view) => (ofFreeGaps.has(view.identity) ? { ...view, gaps: undefined } : view)),
    )
  }

  #text(streams: readonly ExpectedStream[]): string {
    if (!this.#isByContent) return streams.filter(isSomething).map(summary).join('\n')
    const whole = streams.filter(({ content }) => content.length > 0)
    const free = whole.map(({ content }) => summary({ identity: '*', content, gaps: undefined }))
    return free.sort().join('\n')
  }

  close(): void {
    for (const file of this.#files) file.close()
  }
}

/** An empty file has no stream while it lives, and only a seal afterwards. */
function isSomething({ content, gaps }: ExpectedStream): boolean {
  return content.length > 0 || (gaps !== undefined && gaps.length > 0)
}

/** One line per stream: whose it is, how many bytes, their hash, and how they begin and end. */
function summary({ identity, content, gaps }: ExpectedStream): string {
  const edges = JSON.stringify([content.subarray(0, 30).toString(), content.subarray(-30).toString()])
  const said = gaps === undefined ? 'whatever' : gaps.join(', ') || 'none'
  return `${identity} ${content.length} bytes ${sha256(content).slice(0, 16)} ${edges} gaps: ${said}`
}

function difference(wanted: string, shown: string): string {
  const only = (some: string, others: string): string =>
    some
      .split('\n')
      .filter((line) => !others.split('\n').includes(line))
      .join('\n')
  return `missing:\n${only(wanted, shown)}\ntoo much:\n${only(shown, wanted)}`
}

/** Of the agent's log, what is about one directory, when it ran, and what troubled it. */
function said(log: string, directory: string): string {
  const lines = log
    .split('\n')
    .filter((line) => line.includes(`${directory}/`) || /"msg":"(problem|agent|draining)"/.test(line))
  return lines.slice(-40).join('\n')
}
