import {
  copyFileSync,
  cpSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fakedTime, findFaketime, tellTime } from '../crash/faketime.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { makeTempDirectory } from '../support/temp-directory.ts'
import { alone, aloneTimeout } from './alone.ts'
import { expectNothingElse } from './family.ts'
import { wholeLife } from './log-file.ts'
import { spawnLogcask } from './logcask-process.ts'
import type { Stage } from './stage.ts'

guardLeaks()

/** What becomes of the state directory between two runs. Disks that are full or broken: test/crash/full-disk and broken-disk. */
const damages: Record<string, (stage: Stage, older: string) => void> = {
  'is missing': ({ state }) => rmSync(state, { recursive: true }),
  'has an empty checkpoint': ({ state }) => truncateSync(join(state, 'checkpoint.jsonl')),
  'has a checkpoint that ends in the middle of a line': ({ state }) => {
    const path = join(state, 'checkpoint.jsonl')
    truncateSync(path, readFileSync(path).length - 30)
  },
  'has a checkpoint with flipped bits and garbage': ({ state }) => {
    const path = join(state, 'checkpoint.jsonl')
    const bytes = readFileSync(path)
    for (let at = 5; at < bytes.length; at += 97) bytes[at] = (bytes[at] ?? 0) ^ 0x10
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('\nnot JSON\n{"v":1}\n\0\0\0\0')]))
  },
  'is an older copy': ({ state }, older) => {
    rmSync(state, { recursive: true })
    cpSync(older, state, { recursive: true })
  },
  'is a symbolic link to where it was moved': ({ state }) => {
    renameSync(state, `${state}-moved`)
    symlinkSync(`${state}-moved`, state)
  },
  'has a checkpoint that is a symbolic link': ({ state }) => {
    const path = join(state, 'checkpoint.jsonl')
    renameSync(path, `${path}.elsewhere`)
    symlinkSync(`${path}.elsewhere`, path)
  },
}

describe('the state directory, and the clock', () => {
  for (const [what, damage] of Object.entries(damages))
    it.concurrent(`52: the state ${what}: nothing is lost, nothing is sent again`, aloneTimeout, async (context) => {
      const { stage, room } = await alone(context, '52')
      const [file, rotated, cut] = [
        room.create('app.log').lines(10),
        room.create('old.log').lines(10),
        room.create('cut.log').lines(10),
      ]
      await stage.agent.start()
      await room.holds(file, rotated, cut)
      await stage.agent.stop()
      const older = join(stage.directory, 'older')
      cpSync(stage.state, older, { recursive: true })
      await stage.agent.start()
      for (const one of [file, rotated, cut]) one.lines(10)
      renameSync(room.path('old.log'), room.path('old.log.1'))
      await room.holds(file, rotated, cut)
      const first = cut.truncate()
      cut.lines(3)
      await room.holds(file, rotated, first, cut)
      await stage.agent.kill()
      damage(stage, older)
      file.lines(5)
      await stage.agent.start()
      await room.holds(file, rotated, first, cut)
      for (const one of [file, rotated, cut]) one.lines(1)
      await room.holds(file, rotated, first, cut)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    })

  it.concurrent(
    '52: a record of the agent that is damaged is refused with the remedy, which works',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, '52-record')
      const file = room.create('app.log').lines(10)
      await stage.agent.start()
      await room.holds(file)
      await stage.agent.kill()
      writeFileSync(join(stage.state, 'agent.json'), '{"v":1,"ho')
      const { code, stderr } = await spawnLogcask(['agent', '-c', stage.config]).ended
      expect(stderr).toMatch(/agent\.json: is damaged(.|\n)*move the state directory away/)
      expect(code).toBe(2)
      renameSync(stage.state, `${stage.state}-away`)
      file.lines(10)
      await stage.agent.start()
      await room.holds(file)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )

  it.concurrent(
    '53: files dated from 1970 and from the future, and touched without being written',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, '53')
      const [past, future, touched] = [
        room.create('past.log').lines(10),
        room.create('future.log').lines(10),
        room.create('touched.log').lines(10),
      ]
      await stage.agent.start()
      await room.holds(past, future, touched)
      const before = (await room.view()).map(({ segments }) => segments)
      utimesSync(room.path('past.log'), 0, 0)
      utimesSync(room.path('future.log'), 4e9, 4e9)
      for (let time = 0; time < 5; time++) utimesSync(room.path('touched.log'), new Date(), new Date())
      await stage.agent.stop()
      await stage.agent.start()
      await room.holds(past, future, touched)
      expect((await room.view()).map(({ segments }) => segments)).toEqual(before)
      for (const file of [past, future, touched]) file.lines(10)
      await room.holds(past, future, touched)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )

  const library = findFaketime()
  for (const step of ['-2d', '+1y'])
    it.skipIf(library === undefined).concurrent(
      `53: the clock is set by ${step} while it runs, and back while it is down${library ? '' : ' (not run: no libfaketime; node test/crash/faketime.ts fetches it)'}`,
      aloneTimeout,
      async (context) => {
        const { path, remove } = await makeTempDirectory('clock')
        context.onTestFinished(remove)
        const clock = join(path, 'time')
        tellTime(clock, '+0')
        const { stage, room } = await alone(context, '53-clock', { run: { env: fakedTime(library ?? '', clock) } })
        const file = room.create('app.log').lines(10)
        await stage.agent.start()
        await room.holds(file)
        tellTime(clock, step)
        file.lines(10)
        const later = room.create('later.log').lines(10)
        await room.holds(file, later)
        renameSync(room.path('app.log'), room.path('app.log.1'))
        await room.isSealed(file)
        await stage.agent.stop()
        tellTime(clock, '+0')
        later.lines(10)
        const copied = room.create('copied.log').lines(100)
        await stage.agent.start()
        await room.holds(file, later, copied)
        copyFileSync(room.path('copied.log'), room.path('copied.log.1'))
        const first = wholeLife(copied.truncate())
        copied.lines(3)
        await room.holds(file, later, first, copied)
        await room.isAlias(room.path('copied.log.1'), first)
        await stage.agent.stop()
        await expectNothingElse(stage, [room])
      },
    )
})
