import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { readlink } from 'node:fs/promises'
import { describe, expect } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { family } from './family.ts'
import type { LogFile } from './log-file.ts'
import { until } from './logcask-process.ts'
import type { Room } from './room.ts'

guardLeaks()

const logrotate = '/usr/sbin/logrotate'

describe('symbolic and hard links', () => {
  const { scenario, afterwards } = family('links', {
    sources: (logs) => [
      { name: 'links', include: [`${logs}/*/links/**`], followSymlinks: true },
      { name: 'targets', include: [`${logs}/*-both/**`], followSymlinks: true },
      { name: 'rotated', include: [`${logs}/*-logrotate/*`] },
      { name: 'unfollowed', include: [`${logs}/*-unfollowed/**`] },
    ],
  })

  /** Makes `links/<name>` stand for `targets/<target>`, in one step as `ln -sfn` and mv do. */
  function link(room: Room, name: string, target: string): void {
    const path = room.path(`links/${name}`)
    symlinkSync(`../targets/${target}`, `${room.path('new')}`)
    renameSync(room.path('new'), path)
  }

  function prepare(room: Room): void {
    mkdirSync(room.path('links'))
    mkdirSync(room.path('targets'))
  }

  scenario('42: symlink A to t1; ln -sfn A to t2; write t1 and t2', async (room) => {
    prepare(room)
    const t1 = room.create('targets/t1').lines(10)
    link(room, 'A', 't1')
    await room.holds(t1)
    const t2 = room.create('targets/t2').lines(10)
    link(room, 'A', 't2')
    t1.lines(10)
    t2.lines(10)
    await room.holds(t1, t2)
    t1.lines(1)
    t2.lines(1)
    await room.holds(t1, t2)
    // Others stop the agent, and no link leads to it any more.
    await room.isSealed(t1)
  })

  scenario('43: a symlink that is removed, its target is still written', async (room) => {
    prepare(room)
    const file = room.create('targets/t1').lines(10)
    link(room, 'A', 't1')
    await room.holds(file)
    unlinkSync(room.path('links/A'))
    file.lines(10)
    await room.holds(file)
    await room.isSealed(file)
  })

  scenario('43-both: a symlink and its target both match: once', async (room) => {
    const file = room.create('app.log').lines(10)
    symlinkSync('app.log', room.path('current'))
    await room.holds(file)
    file.lines(10)
    await room.holds(file)
    await room.whileDown(() => file.lines(10))
    await room.holds(file)
    unlinkSync(room.path('current'))
    file.lines(10)
    await room.holds(file)
  })

  scenario('44: a symlink that gets 30 targets, one after the other, of 100 lines each', async (room) => {
    prepare(room)
    const files: LogFile[] = []
    for (let at = 0; at < 30; at++) {
      const file = room.create(`targets/t${at}`)
      files.push(file)
      link(room, 'A', `t${at}`)
      file.lines(50)
      // A target that nobody could see behind the link is none of its files.
      if (at % 3 === 0) await room.holds(...files)
      else await until('it is opened', () => isOpenInAgent(room, `targets/t${at}`), { withinMs: 60_000 })
      file.lines(50)
    }
    await room.holds(...files)
    for (const file of files.slice(0, -1)) await room.isSealed(file)
  })

  scenario('44: a symlink to itself, one to its parent, a dangling one, and ten to one target', async (room) => {
    prepare(room)
    symlinkSync('loop', room.path('links/loop'))
    symlinkSync('..', room.path('links/parent'))
    symlinkSync('nowhere', room.path('links/dangling'))
    const file = room.create('targets/t1').lines(10)
    for (let at = 0; at < 10; at++) link(room, `l${at}`, 't1')
    const other = room.create('links/plain').lines(10)
    await room.holds(file, other)
    file.lines(10)
    writeFileSync(room.path('links/nowhere'), 'there after all\n')
    const late = room.reopen('links/nowhere').wrote(Buffer.from('there after all\n')).lines(3)
    await room.holds(file, other, late)
  })

  scenario('44-unfollowed: by default a symlink is no file', async (room) => {
    const target = `${room.stage.directory}/outside`
    writeFileSync(target, 'not to be shipped\n')
    symlinkSync(target, room.path('link'))
    const file = room.create('app.log').lines(10)
    await room.holds(file)
  })

  const hasLogrotate = existsSync(logrotate)
  scenario(
    `45-logrotate: logrotate goes on rotating while the agent runs${hasLogrotate ? '' : ' (not run: there is no logrotate; links are counted all the same)'}`,
    async (room) => {
      const config = `${room.stage.directory}/logrotate.conf`
      writeFileSync(
        config,
        `${room.path('app.log')} { rotate 5\n size 1\n create\n compress\n delaycompress\n missingok\n }\n`,
      )
      const files: LogFile[] = []
      for (let round = 0; round < 4; round++) {
        files.push(room.create('app.log').lines(200))
        await room.holds(...files)
        // Nothing of ours may hang on a file: logrotate 3.19 and later leave one with two names alone.
        for (const name of readdirSync(room.directory)) expect(statSync(room.path(name)).nlink).toBe(1)
        if (hasLogrotate) execFileSync(logrotate, ['-s', `${room.stage.directory}/logrotate.state`, config])
        else renameSync(room.path('app.log'), room.path(`app.log.${4 - round}`))
        if (hasLogrotate) unlinkCreated(room.path('app.log'))
      }
      const last = room.create('app.log').lines(1)
      await room.holds(...files, last)
      if (hasLogrotate)
        expect(readdirSync(room.directory).sort()).toEqual([
          'app.log',
          'app.log.1',
          'app.log.2.gz',
          'app.log.3.gz',
          'app.log.4.gz',
        ])
      for (const [at, file] of files.slice(0, 3).entries())
        if (hasLogrotate) await room.isAlias(room.path(`app.log.${4 - at}.gz`), file)
      await room.holds(...files, last)
    },
  )

  afterwards()
})

/** The empty file of `create`, instead of which the scenario makes its own. */
function unlinkCreated(path: string): void {
  expect(statSync(path).size).toBe(0)
  unlinkSync(path)
}

async function isOpenInAgent(room: Room, name: string): Promise<boolean> {
  const directory = `/proc/${room.stage.agent.pid}/fd`
  const targets = await Promise.all(readdirSync(directory).map((fd) => readlink(`${directory}/${fd}`).catch(() => '')))
  return targets.includes(room.path(name))
}
