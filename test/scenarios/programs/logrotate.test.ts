import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { guardLeaks } from '../../support/leak-guard.ts'
import { alone, aloneTimeout } from '../alone.ts'
import { expectNothingElse } from '../family.ts'
import { type ExpectedStream, LogFile, numbered, onDisk } from '../log-file.ts'
import { until } from '../logcask-process.ts'
import type { Room } from '../room.ts'
import { startDaemon } from './daemon.ts'
import { endProcess, Program } from './program.ts'

guardLeaks()

const logrotate = new Program('logrotate')

interface Manner {
  directives: string[]
  /** What logrotate must have left after five rotations, in the order of the names. */
  leaves: string[]
  isTruncating?: boolean
  isCompressing?: boolean
}

const numberedNames = (before: string, after = ''): string[] =>
  [1, 2, 3, 4, 5].map((at) => `${before}app.log.${at}${after}`)

const manners: Record<string, Manner> = {
  create: { directives: ['create'], leaves: ['app.log', ...numberedNames('')] },
  copytruncate: { directives: ['copytruncate'], isTruncating: true, leaves: ['app.log', ...numberedNames('')] },
  compress: {
    directives: ['create', 'compress'],
    isCompressing: true,
    leaves: ['app.log', ...numberedNames('', '.gz')],
  },
  'compress, delaycompress': {
    directives: ['create', 'compress', 'delaycompress'],
    isCompressing: true,
    leaves: ['app.log', 'app.log.1', ...numberedNames('', '.gz').slice(1)],
  },
  dateext: {
    directives: ['create', 'dateext', 'dateformat -%Y%m%d-%s'],
    leaves: ['app.log', ...Array(5).fill('app.log-DATE')],
  },
  'dateext, extension, compress, delaycompress, copytruncate': {
    directives: ['copytruncate', 'compress', 'delaycompress', 'dateext', 'dateformat -%s', 'extension .log'],
    isTruncating: true,
    isCompressing: true,
    leaves: [...Array(4).fill('app-DATE.log.gz'), 'app-DATE.log', 'app.log'],
  },
  olddir: { directives: ['create', 'olddir old'], leaves: ['app.log', ...numberedNames('old/')] },
  'olddir, copytruncate': {
    directives: ['copytruncate', 'olddir old'],
    isTruncating: true,
    leaves: ['app.log', ...numberedNames('old/')],
  },
  'maxsize, daily': { directives: ['create', 'daily', 'maxsize 4k'], leaves: ['app.log', ...numberedNames('')] },
}

describe.skipIf(logrotate.path === undefined)(`logrotate${logrotate.missing}`, () => {
  for (const [what, manner] of Object.entries(manners))
    it.concurrent(
      `${what}: live, while the agent is down, and live again; it rotates as if we were not there`,
      aloneTimeout,
      async (context) => {
        const { stage, room } = await alone(context, 'logrotate', { source: { olddir: 'old' } })
        const log = new ForeignlyRotated(room, what, manner)
        context.onTestFinished(() => log.close())
        await stage.agent.start()
        for (const _ of [1, 2]) {
          log.write(200)
          await room.holds(...log.lives)
          log.write(20)
          await log.rotate()
        }
        log.write(200)
        await room.holds(...log.lives)
        await stage.agent.stop()
        log.write(20)
        await log.rotate()
        log.write(200)
        // What comes and goes while nobody looks is there in its rotated form only: where that is the file itself, it is tried.
        if (!manner.isTruncating && !manner.isCompressing) await log.rotate()
        log.write(3)
        await stage.agent.start()
        await room.holds(...log.lives)
        while (log.lives.length < 6) {
          log.write(200)
          await room.holds(...log.lives)
          log.write(20)
          await log.rotate()
        }
        log.write(1)
        await room.holds(...log.lives)
        await log.untilJudged()
        await room.holds(...log.lives)
        await stage.agent.stop()
        await expectNothingElse(stage, [room])
        log.expectAsIfAlone()
      },
    )

  it(
    'sharedscripts, postrotate: two logs, one HUP to their writer after both were moved',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, 'sharedscripts')
      const names = ['a.log', 'b.log']
      const writer = startDaemon(context, ...names.map((name) => room.path(name)))
      const config = join(stage.directory, 'logrotate.conf')
      const script = `postrotate\n kill -HUP ${writer.pid}\n endscript`
      writeFileSync(
        config,
        `${names.map((name) => room.path(name)).join(' ')} {\n rotate 9\n nocreate\n sharedscripts\n ${script}\n}\n`,
      )
      await stage.agent.start()
      for (let round = 0; round < 4; round++) {
        const isThere = (): boolean => readdirSync(room.directory).length === 2 * (round + 1)
        await until('the writer has opened both anew', isThere)
        await sleep(300)
        if (round === 2) await stage.agent.stop()
        logrotate.run(['-f', '-s', join(stage.directory, 'logrotate.state'), config])
        if (round === 2) await stage.agent.start()
      }
      await until('the writer has opened both anew', () => readdirSync(room.directory).length === 10)
      await endProcess(writer)
      await room.holds(...readdirSync(room.directory).map((name) => onDisk(room.path(name))))
      for (const name of names) {
        const lines = [4, 3, 2, 1]
          .map((at) => `${name}.${at}`)
          .concat(name)
          .flatMap((one) => readFileSync(room.path(one), 'utf8').split('\n').slice(0, -1))
        expect(lines).toEqual(lines.map((_, at) => `line ${at}`))
      }
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )
})

/** A log that logrotate rotates, and beside it a twin that nobody ships: rotated alike, written alike. */
class ForeignlyRotated {
  readonly #room: Room
  readonly #what: string
  readonly #manner: Manner
  readonly #twin: string
  readonly #config: string
  readonly #past: ExpectedStream[] = []
  #file: LogFile
  #twinFile: LogFile

  constructor(room: Room, what: string, manner: Manner) {
    const { directory } = room.stage
    this.#room = room
    this.#what = what
    this.#manner = manner
    this.#twin = join(directory, 'twin')
    this.#config = join(directory, 'logrotate.conf')
    if (what.startsWith('olddir'))
      for (const one of [room.directory, this.#twin]) mkdirSync(join(one, 'old'), { recursive: true })
    mkdirSync(this.#twin, { recursive: true })
    writeFileSync(
      this.#config,
      `${room.path('app.log')} ${this.#twin}/app.log {\n rotate 9\n ${manner.directives.join('\n ')}\n}\n`,
    )
    this.#file = room.create('app.log')
    this.#twinFile = new LogFile(join(this.#twin, 'app.log'))
  }

  get lives(): ExpectedStream[] {
    return [...this.#past, this.#file]
  }

  write(count: number): void {
    const text = numbered(count, `after ${this.#past.length} rotations, ${this.#file.content.length}`, 60)
    for (const one of [this.#file, this.#twinFile]) one.write(text)
  }

  async rotate(): Promise<void> {
    // Names that are made of seconds must differ.
    if (this.#what.startsWith('dateext')) await sleep(1_100)
    const force = this.#what.startsWith('maxsize') ? [] : ['-f']
    logrotate.run([...force, '-s', `${this.#config}.state`, this.#config])
    if (this.#manner.isTruncating) {
      this.#past.push(this.#file.wasTruncated())
      this.#twinFile.wasTruncated()
      return
    }
    expect(statSync(this.#room.path('app.log')).ino, 'it was not rotated').not.toBe(this.#file.inode)
    this.#past.push(this.#file)
    this.#twinFile.close()
    this.#file = this.#room.reopen('app.log')
    this.#twinFile = new LogFile(join(this.#twin, 'app.log'), { isNew: false })
  }

  /** Copies and compressed files are known for what they are. */
  async untilJudged(): Promise<void> {
    for (const name of filesBelow(this.#room.directory)) {
      if (name === 'app.log' || !(name.endsWith('.gz') || this.#manner.isTruncating)) continue
      const bytes = readFileSync(this.#room.path(name))
      const content = name.endsWith('.gz') ? gunzipSync(bytes) : bytes
      const life = this.#past.find((one) => one.content.equals(content))
      if (life === undefined) throw new Error(`${name} holds no life`)
      await this.#room.isAlias(this.#room.path(name), life)
    }
  }

  expectAsIfAlone(): void {
    const names = filesBelow(this.#room.directory)
    expect(names).toEqual(filesBelow(this.#twin))
    expect(names.map((name) => name.replace(/-\d[\d-]*/, '-DATE'))).toEqual(this.#manner.leaves)
    for (const name of names) {
      expect(readFileSync(this.#room.path(name)).equals(readFileSync(join(this.#twin, name))), name).toBe(true)
      expect(statSync(this.#room.path(name)).nlink).toBe(1)
    }
  }

  close(): void {
    this.#twinFile.close()
  }
}

function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1)).sort()
}
