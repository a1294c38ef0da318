import { copyFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { family } from './family.ts'
import { cutLife, type ExpectedStream, wholeLife } from './log-file.ts'
import { whenLong } from './long.ts'
import { RotatingLog } from './rotating-log.ts'

guardLeaks()

describe('files that are truncated, also after a copy was made', () => {
  const { scenario, afterwards } = family('truncation')

  scenario('22: copy A to A.1, truncate A; its writer goes on with O_APPEND', async (room) => {
    const file = room.create('app.log').lines(50)
    await room.holds(file)
    copyFileSync(room.path('app.log'), room.path('app.log.1'))
    const first = wholeLife(file.truncate())
    file.lines(10)
    await room.holds(first, file)
    await room.isAlias(room.path('app.log.1'), first)
    file.lines(10)
    await room.holds(first, file)
  })

  scenario('23: the same, its writer goes on without O_APPEND: a hole of NULs before what it writes', async (room) => {
    const file = room.create('app.log', { isAppending: false }).lines(50)
    await room.holds(file)
    copyFileSync(room.path('app.log'), room.path('app.log.1'))
    const first = wholeLife(file.truncate())
    file.lines(10)
    const withHole = { ...anew(file), content: Buffer.concat([Buffer.alloc(first.content.length), file.content]) }
    await room.holds(first, withHole)
    await room.isAlias(room.path('app.log.1'), first)
    await room.holds(first, withHole)
  })

  scenario(
    '24: copy with bytes that nobody has read, truncate, write both: the copy has the end, A what is new',
    async (room) => {
      const file = room.create('app.log').lines(50)
      await room.holds(file)
      let first: ExpectedStream | undefined
      await room.whileFrozen(() => {
        file.lines(50)
        copyFileSync(room.path('app.log'), room.path('app.log.1'))
        first = wholeLife(file.truncate())
        file.lines(5)
      })
      file.lines(5)
      if (first === undefined) throw new Error('not truncated')
      await room.holds(first, file)
      await room.isAlias(room.path('app.log.1'), first)
      await room.isSealed(first)
      // A judged copy that is written to is a file of its own.
      const copy = room.reopen('app.log.1').wrote(first.content).lines(3)
      await room.holds(first, file, copy)
    },
  )

  scenario('25: slow copytruncate: 3 files × 30 messages, one every 5 ms, × 3 rotations', async (room) => {
    const logs = ['a.log', 'b.log', 'c.log'].map((name) => new RotatingLog(room, { name, how: 'copytruncate' }))
    for (const { file } of logs) file.lines(1)
    await room.holds(...logs.flatMap(({ lives }) => lives))
    for (let rotation = 0; rotation < 3; rotation++) {
      for (let message = 0; message < 30; message++) {
        for (const { file } of logs) file.lines(1)
        await sleep(5)
      }
      for (const log of logs) log.rotate()
      for (const { file } of logs) file.lines(1)
    }
    // 150 ms are a life here: on a busy machine some are over before the agent has read anything of them.
    await room.holdsBytesOf(...logs.flatMap(({ lives }) => lives))
  })

  scenario('26: truncated while stopped, shorter content', async (room) => {
    const file = room.create('app.log').lines(500)
    await room.holds(file)
    let first = cutLife(file)
    await room.whileDown(() => {
      first = file.truncate()
      file.lines(250)
    })
    await room.holds(first, file)
  })

  scenario('26: copytruncate while stopped', async (room) => {
    const file = room.create('app.log').lines(500)
    await room.holds(file)
    let first = cutLife(file)
    await room.whileDown(() => {
      file.lines(10)
      copyFileSync(room.path('app.log'), room.path('app.log.1'))
      first = wholeLife(file.truncate())
      file.lines(250)
    })
    await room.holds(first, file)
    await room.isAlias(room.path('app.log.1'), first)
  })

  scenario('27: truncated while stopped, grown again beyond where it was', async (room) => {
    const file = room.create('app.log').lines(100)
    await room.holds(file)
    let first = cutLife(file)
    await room.whileDown(() => {
      first = file.truncate()
      file.lines(300)
    })
    await room.holds(first, file)
    file.lines(1)
    await room.holds(first, file)
  })

  scenario('28: truncated live, killed before the next look, ten lines appended, started', async (room) => {
    const file = room.create('app.log').lines(100)
    await room.holds(file)
    let first = cutLife(file)
    await room.whileFrozenToDeath(
      () => {
        first = file.truncate()
      },
      () => file.lines(10),
    )
    await room.holds(first, file)
    await room.whileDown(() => file.lines(1))
    await room.holds(first, file)
  })

  scenario('29: after copytruncate the first 1,000 bytes are what they were', async (room) => {
    const head = 'h'.repeat(1_000)
    const file = room.create('app.log').write(head).lines(20)
    await room.holds(file)
    copyFileSync(room.path('app.log'), room.path('app.log.1'))
    const first = wholeLife(file.truncate())
    file.write(head).lines(10)
    await room.holds(first, file)
    await room.isAlias(room.path('app.log.1'), first)
    file.lines(100)
    await room.holds(first, file)
  })

  scenario('30: truncated to nothing, seen so, then other bytes of the same length', async (room) => {
    const file = room.create('app.log').write('a'.repeat(5_000))
    await room.holds(file)
    const first = file.truncate()
    await room.holds(first)
    file.write('b'.repeat(5_000))
    await room.holds(first, file)
  })

  scenario('30: the same between two looks: nothing but the bytes tells', async (room) => {
    const file = room.create('app.log').write('a'.repeat(5_000))
    await room.holds(file)
    let first = cutLife(file)
    await room.whileFrozen(() => {
      first = file.truncate()
      file.write('b'.repeat(5_000))
    })
    await room.holds(first, file)
  })

  const times = whenLong(100, 10)
  scenario(`31: truncated ${times} times under load, each life seen`, async (room) => {
    const file = room.create('app.log')
    const lives: ExpectedStream[] = []
    for (let time = 0; time < times; time++) {
      file.lines(20)
      await room.holds(...lives, file)
      lives.push(file.truncate())
    }
    file.lines(1)
    await room.holds(...lives, file)
  })

  scenario(
    '31: truncated and written 100 times while nobody looks: what was seen is kept, what is there is delivered',
    async (room) => {
      const file = room.create('app.log').lines(20)
      await room.holds(file)
      const first = cutLife(file)
      await room.whileFrozen(() => {
        for (let time = 0; time < 100; time++) {
          file.truncate()
          file.lines(30)
        }
      })
      file.lines(1)
      await room.holds(first, file)
    },
  )

  scenario('31: grows over the boundary of a segment, is truncated there and grows again', async (room) => {
    const file = room.create('big.log')
    for (let at = 0; at < 8; at++) file.write(Buffer.alloc(2 ** 20, `${at}\n`))
    await room.holds(file)
    file.lines(100, 100)
    await room.holds(file)
    const first = file.truncate()
    file.lines(100)
    await room.holds(first, file)
  })

  scenario('32: truncated to something: the last line is dropped, another one comes', async (room) => {
    const file = room.create('app.log').lines(10)
    await room.holds(file)
    const first = file.truncate(9 * 41)
    file.lines(2)
    await room.holds(first, file)
  })

  scenario('32: the same while stopped, and the new line is longer', async (room) => {
    const file = room.create('app.log').lines(10)
    await room.holds(file)
    let first = cutLife(file)
    await room.whileDown(() => {
      first = file.truncate(9 * 41)
      file.lines(2, 200)
    })
    await room.holds(first, file)
  })

  afterwards()
})

function anew({ identity }: ExpectedStream): ExpectedStream {
  return { identity, content: Buffer.alloc(0), gaps: [] }
}
