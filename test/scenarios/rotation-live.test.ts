import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { family } from './family.ts'
import { anyGaps, type ExpectedStream, onDisk } from './log-file.ts'
import { until } from './logcask-process.ts'
import { isLong, whenLong } from './long.ts'
import type { Room } from './room.ts'
import { RotatingLog } from './rotating-log.ts'

guardLeaks()

describe('files that are rotated under a running agent', () => {
  const { scenario, afterwards } = family('rotation')

  scenario(
    '1: write A; rename A to A.1; create A; write through the old descriptor, and to the new file',
    async (room) => {
      const old = room.create('app.log').lines(100)
      await room.holds(old)
      renameSync(room.path('app.log'), room.path('app.log.1'))
      const fresh = room.create('app.log').lines(5)
      old.lines(50)
      fresh.lines(50)
      await room.holds(old, fresh)
    },
  )

  scenario('2: two successive renames, three writers alive', async (room) => {
    const first = room.create('app.log').lines(10)
    renameSync(room.path('app.log'), room.path('app.log.1'))
    const second = room.create('app.log').lines(10)
    first.lines(10)
    renameSync(room.path('app.log.1'), room.path('app.log.2'))
    renameSync(room.path('app.log'), room.path('app.log.1'))
    const third = room.create('app.log').lines(10)
    for (const file of [first, second, third, second, first]) file.lines(7)
    await room.holds(first, second, third)
    for (const file of [third, second, first]) file.lines(3)
    await room.holds(first, second, third)
  })

  scenario(
    '3: three files, renamed three times at the same moment, written through old and new descriptors',
    async (room) => {
      const names = ['a.log', 'b.log', 'c.log']
      const logs = names.map((name) => new RotatingLog(room, { name }))
      for (let round = 0; round < 3; round++) {
        const olds = logs.map(({ file }) => file.lines(3))
        for (const log of logs) log.rotate()
        for (const old of olds) old.lines(2)
        for (const { file } of logs) file.lines(3)
      }
      await room.holds(...logs.flatMap(({ lives }) => lives))
    },
  )

  scenario('4: slow rotation: 3 files × 30 messages, one every 5 ms, × 3 rotations', async (room) => {
    const logs = ['a.log', 'b.log', 'c.log'].map((name) => new RotatingLog(room, { name }))
    await writeSlowly(logs)
    await room.holds(...logs.flatMap(({ lives }) => lives))
  })

  scenario('5: chain shift: A.2 to A.3, A.1 to A.2, A to A.1, create A, unlink the oldest', async (room) => {
    const log = new RotatingLog(room, { backups: 3 })
    for (let round = 0; round < 6; round++) {
      log.file.lines(20)
      // What was never read before it is deleted nobody can deliver: here it had the time that a rotation leaves.
      await room.holds(...log.lives)
      log.rotate()
    }
    log.file.lines(1)
    await room.holds(...log.lives)
    expect(readdirSync(room.directory).sort()).toEqual(['app.log', 'app.log.1', 'app.log.2', 'app.log.3'])
  })

  const messages = whenLong(10_000, 500)
  scenario(`6: 10 rotations × ${messages} messages, create, compress, delaycompress`, async (room) => {
    const log = new RotatingLog(room, { compress: 'later' })
    for (let round = 0; round < 10; round++) {
      log.file.lines(1)
      // Rotators come by once a day: no file goes through all its names before anybody could see it.
      await room.holds(...log.lives)
      log.file.lines(messages)
      log.rotate()
    }
    await room.holds(...log.lives)
    for (let at = 2; at <= 10; at++) await room.isAlias(room.path(`app.log.${at}.gz`), fromEnd(log, at))
    await room.holds(...log.lives)
  })

  scenario(`7: ${messages} messages, create and compress without delay, ${messages} more`, async (room) => {
    const log = new RotatingLog(room, { compress: 'now' })
    log.file.lines(messages)
    // The agent holds what it has opened; a file that came and went between two looks nobody can read but from its .gz.
    await room.holds(...log.lives)
    log.file.lines(messages)
    log.rotate()
    log.file.lines(messages)
    await room.holds(...log.lives)
    await room.isAlias(room.path('app.log.1.gz'), fromEnd(log, 1))
    await room.holds(...log.lives)
  })

  scenario(
    '8: two files rotated with one HUP afterwards (sharedscripts, postrotate): until then their writer keeps the old ones',
    async (room) => {
      const writer = startDaemon(room.path('a.log'), room.path('b.log'))
      await until('it has written', () => readdirSync(room.directory).length === 2)
      for (let round = 0; round < 3; round++) {
        await sleep(100)
        for (const name of ['a.log', 'b.log'])
          for (let at = round; at >= 0; at--)
            renameSync(room.path(at === 0 ? name : `${name}.${at}`), room.path(`${name}.${at + 1}`))
        await sleep(50)
        writer.kill('SIGHUP')
        await until('it has opened them anew', () => readdirSync(room.directory).length === 2 * (round + 2))
      }
      writer.kill('SIGTERM')
      await once(writer, 'exit')
      const files = readdirSync(room.directory).sort()
      expect(files).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3', 'b.log', 'b.log.1', 'b.log.2', 'b.log.3'])
      await room.holds(...files.map((name) => onDisk(room.path(name))))
      for (const name of ['a.log', 'b.log']) expectNumbered(room, [3, 2, 1].map((at) => `${name}.${at}`).concat(name))
    },
  )

  scenario(
    `9: a late write to a rotated file ${isLong ? 'three minutes' : 'after it was sealed,'} after rotation`,
    async (room) => {
      const log = new RotatingLog(room)
      const old = log.file.lines(10)
      log.rotate()
      log.file.lines(10)
      await room.isSealed(old)
      if (isLong) await sleep(180_000)
      old.lines(5)
      await room.holds(...log.lives)
      await room.isSealed(old)
    },
  )

  scenario('10: renamed to a name that no pattern matches, into another directory, then appended to', async (room) => {
    const aside = `${room.stage.directory}/aside`
    mkdirSync(aside)
    const file = room.create('app.log').lines(10)
    await room.holds(file)
    renameSync(room.path('app.log'), `${aside}/app.log`)
    const fresh = room.create('app.log').lines(10)
    file.lines(10)
    await room.holds(file, fresh)
  })

  scenario('11: renamed to another name that matches, nothing written: nothing is sent again', async (room) => {
    const file = room.create('app.log').lines(10)
    await room.holds(file)
    const [before] = await room.view()
    renameSync(room.path('app.log'), room.path('other.log'))
    const later = room.create('later.log').lines(1)
    await room.isSealed(file)
    await room.holds(file, later)
    expect((await room.view()).find(({ stream }) => stream === before?.stream)?.segments).toBe(before?.segments)
  })

  const sizes = {
    'no rotation': [1, 10, 1],
    'no deletion': [2, 10, 9],
    deletion: [3, 10, 1],
    'deletion of more than a fingerprint': [3, 100, 1],
  } as const
  for (const [what, [files, lines, backups]] of Object.entries(sizes))
    for (const naming of ['timestamped', 'sequential'] as const)
      for (const how of ['move', 'copytruncate'] as const)
        scenario(`12: ${what}, ${naming} names, ${how}`, async (room) => {
          const log = new RotatingLog(room, { naming, how, backups })
          const isDeleted = files > backups + 1
          // Where the copy may be gone before it was judged, the gap stays open: all bytes are there all the same.
          const lives = (): ExpectedStream[] =>
            isDeleted && how === 'copytruncate' ? log.lives.map(anyGaps) : log.lives
          for (let file = 0; file < files; file++) {
            if (file > 0) log.rotate()
            log.file.lines(lines)
            // Seen once; what follows only the copy may have by the time that it is read.
            if (isDeleted || file === 0) await room.holds(...lives())
            if (!isDeleted) log.file.lines(lines / 10)
          }
          await room.holds(...lives())
        })

  afterwards()
})

/** The life that is in `app.log.<at>` after the last rotation. */
function fromEnd({ lives }: RotatingLog, at: number): ExpectedStream {
  const life = lives.at(-1 - at)
  if (life === undefined) throw new Error(`there were not ${at} rotations`)
  return life
}

async function writeSlowly(logs: readonly RotatingLog[]): Promise<void> {
  for (let rotation = 0; rotation < 3; rotation++) {
    for (let message = 0; message < 30; message++) {
      for (const { file } of logs) file.lines(1)
      await sleep(5)
    }
    for (const log of logs) log.rotate()
  }
}

/** Numbers two logs until it is ended, and opens them anew on HUP, as daemons do. */
function startDaemon(...paths: readonly string[]): ChildProcess {
  const script = `
    open() { exec 3>>"$1" 4>>"$2"; }
    trap 'open "$@"' HUP; trap 'exit 0' TERM; open "$@"; n=0
    while :; do echo "line $n" >&3; echo "line $n" >&4; n=$((n+1)); sleep 0.005; done`
  return spawn('bash', ['-c', script, 'daemon', ...paths], { stdio: 'ignore' })
}

function expectNumbered(room: Room, names: readonly string[]): void {
  const lines = names.flatMap((name) => onDisk(room.path(name)).content.toString().trimEnd().split('\n'))
  expect(lines).toEqual(lines.map((_, at) => `line ${at}`))
}
