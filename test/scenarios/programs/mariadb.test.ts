import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { guardLeaks } from '../../support/leak-guard.ts'
import { alone } from '../alone.ts'
import type { StreamView } from '../bucket-view.ts'
import { expectNothingElse } from '../family.ts'
import { type ExpectedStream, onDisk } from '../log-file.ts'
import { logcask, until } from '../logcask-process.ts'
import type { Room } from '../room.ts'
import { endProcess, Program } from './program.ts'

guardLeaks()

const [server, client, binlog] = ['mariadbd', 'mariadb', 'mariadb-binlog'].map((name) => new Program(name)) as [
  Program,
  Program,
  Program,
]
const missing = [server, client, binlog].find(({ path }) => path === undefined)?.missing

describe.skipIf(missing !== undefined)(`mariadbd with binary logs${missing ?? ''}`, () => {
  it('FLUSH, kill -9 of the server and of the agent, recovery, PURGE: mysqlbinlog reads every statement from the copies', async (context) => {
    const { stage, room } = await alone(context, 'mariadb')
    const config = join(stage.directory, 'binlogs.yaml')
    writeConfig(room, config)
    const database = new Database(room)
    await stage.agent.start(config)
    await database.start(context)
    database.query('create database d', 'create table d.t (i int primary key) engine=innodb')
    database.insert(100)
    database.query('flush binary logs')
    database.insert(100)
    await untilShipped(room)
    // The flag in the header, which FLUSH clears, while nobody looks.
    await stage.agent.kill()
    database.query('flush binary logs')
    database.insert(100)
    await stage.agent.start(config)
    database.insert(50)
    // Killed in the middle of its work, it recovers, and begins another log.
    await database.crash(context, 20_000)
    await database.start(context)
    database.goOn()
    database.insert(100)
    database.query('flush binary logs')
    database.insert(10)
    await untilShipped(room)
    const shipped = filesOf(room)
    database.query(`purge binary logs to '${shipped.at(-1)?.name}'`)
    expect(filesOf(room).length).toBe(1)
    database.insert(10)
    await database.stop()
    await untilShipped(room)
    await stage.agent.stop()

    const now = filesOf(room)
    const views = await room.view()
    for (const { name, stream } of [...shipped.slice(0, -1), ...now]) {
      const view = views.find(({ identity }) => identity === stream.identity)
      expect(isSame(view, stream), `${name} is not what was shipped`).toBe(true)
    }
    expect(views.length).toBe(shipped.length)
    expect(views.flatMap(({ gaps }) => gaps)).toEqual([])
    await expectNothingElse(stage, [room])

    const published = join(stage.directory, 'published')
    const { code } = await logcask(['compact', '--once', '--from', stage.url, '--to', published])
    expect(code).toBe(0)
    const files = readdirSync(published, { recursive: true, withFileTypes: true }).filter((one) =>
      /mysql-bin\.0/.test(one.name),
    )
    const paths = files.map((one) => join(one.parentPath, one.name)).sort((a, b) => numberOf(a) - numberOf(b))
    expect(paths.length).toBe(shipped.length)
    const text = binlog.run(['--no-defaults', ...paths]).toString()
    const inserted = [...text.matchAll(/insert into d\.t values \((\d+)\)/g)].map(([, value]) => Number(value))
    expect(inserted).toEqual(Array.from({ length: database.inserted }, (_, at) => at + 1))
  })
})

class Database {
  readonly #room: Room
  readonly #socket: string
  #child: ChildProcess | undefined
  inserted = 0

  constructor(room: Room) {
    this.#room = room
    this.#socket = join(room.stage.directory, 'socket')
    mkdirSync(join(room.stage.directory, 'data'))
  }

  async start(context: TestContext): Promise<void> {
    const { directory } = this.#room.stage
    rmSync(this.#socket, { force: true })
    this.#child = server.start(context, [
      ...['--no-defaults', `--datadir=${directory}/data`, `--socket=${this.#socket}`, `--pid-file=${directory}/pid`],
      // Without system tables, and without a network.
      ...['--skip-grant-tables', '--skip-networking', '--innodb-buffer-pool-size=16M', '--server-id=1'],
      ...[`--log-bin=${this.#room.path('mysql-bin')}`, `--lc-messages-dir=${join(server.root, 'usr/share/mysql')}`],
      ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    ])
    await until('the database answers', () => this.#answers(), { withinMs: 60_000, everyMs: 200 })
  }

  #answers(): boolean {
    try {
      this.query('select 1')
      return true
    } catch {
      return false
    }
  }

  query(...statements: readonly string[]): string {
    return client.run(['--no-defaults', '-N', '-S', this.#socket], `${statements.join(';\n')};\n`).toString()
  }

  insert(count: number): void {
    this.query(...Array.from({ length: count }, () => `insert into d.t values (${++this.inserted})`))
  }

  /** SIGKILL while it inserts `count` more. */
  async crash(context: TestContext, count: number): Promise<void> {
    const child = client.start(context, ['--no-defaults', '-S', this.#socket])
    const text = Array.from({ length: count }, (_, at) => `insert into d.t values (${this.inserted + at + 1});\n`)
    child.stdin?.end(text.join(''))
    await until('some are in', () => Number(this.query('select count(*) from d.t')) > this.inserted + 20)
    if (this.#child) await endProcess(this.#child, 'SIGKILL')
    await endProcess(child)
  }

  /** After a crash: from the last one that was committed. */
  goOn(): void {
    this.inserted = Number(this.query('select max(i) from d.t'))
  }

  async stop(): Promise<void> {
    if (this.#child) await endProcess(this.#child)
  }
}

function filesOf(room: Room): { name: string; stream: ExpectedStream }[] {
  const names = readdirSync(room.directory)
    .filter((name) => /^mysql-bin\.\d+$/.test(name))
    .sort()
  return names.map((name) => ({ name, stream: onDisk(room.path(name)) }))
}

/** But for the flag in byte 21, which is cleared after it was shipped; NULs at the end wait for what comes behind them. */
function isSame(view: StreamView | undefined, { content }: ExpectedStream): boolean {
  if (view === undefined || view.content.length > content.length) return false
  const [ours, theirs] = [Buffer.from(view.content), Buffer.from(content.subarray(0, view.content.length))]
  for (const bytes of [ours, theirs]) if (bytes.length > 21) bytes[21] = 0
  return ours.equals(theirs) && content.subarray(view.content.length).every((byte) => byte === 0)
}

async function untilShipped(room: Room): Promise<void> {
  const isShipped = async (): Promise<boolean> => {
    const views = await room.view()
    return filesOf(room).every(({ stream }) =>
      isSame(
        views.find(({ identity }) => identity === stream.identity),
        stream,
      ),
    )
  }
  await until('every binary log is shipped', isShipped, {
    withinMs: 60_000,
    everyMs: 100,
    context: room.stage.agent.said.bind(room.stage.agent),
  })
}

function writeConfig(room: Room, path: string): void {
  const settings = room.stage.settings({ source: { include: [room.path('mysql-bin.0*')] } })
  writeFileSync(path, JSON.stringify(settings))
}

function numberOf(path: string): number {
  return Number(/mysql-bin\.(\d+)/.exec(path)?.[1])
}
