import { execFileSync } from 'node:child_process'
import { copyFileSync, linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { family } from './family.ts'
import { cutLife, onDisk } from './log-file.ts'
import { RotatingLog } from './rotating-log.ts'

guardLeaks()

describe('which file is this?', () => {
  const { scenario, afterwards } = family('identity', {
    sources: (logs) => [
      { name: 'copies', include: [`${logs}/*-copies/**`], copies: 'ignore' },
      { name: 'logs', include: [`${logs}/**`] },
    ],
  })

  for (const [what, lines] of [
    ['shorter', 5],
    ['equally long', 10],
    ['longer', 20],
  ] as const)
    for (const how of ['live', 'while frozen', 'while down'] as const)
      scenario(`33: rm A; create A at once with its inode, ${what}, ${how}`, async (room) => {
        const old = room.create('app.log').lines(10)
        const { inode } = old
        await room.holds(old)
        let fresh = old
        const replace = (): void => {
          old.close()
          unlinkSync(room.path('app.log'))
          // A running agent pins the inode by its descriptor: then it cannot be used again.
          fresh = how === 'while down' ? room.createWithInode('app.log', inode) : room.create('app.log')
          fresh.lines(lines)
        }
        if (how === 'live') replace()
        else if (how === 'while frozen') await room.whileFrozen(replace)
        else await room.whileDown(replace)
        await room.holds(how === 'while down' ? cutLife(old, 'gone') : old, fresh)
        if (how === 'live') await room.isSealed(old)
      })

  scenario('34: rotated so that the first and the last generation share an inode', async (room) => {
    const log = new RotatingLog(room, { backups: 1 })
    const first = log.file.lines(10)
    const { inode } = first
    await room.holds(first)
    await room.whileDown(() => {
      log.rotate()
      log.file.lines(10)
      first.close()
      log.rotate((name) => room.createWithInode(name, inode))
      log.file.lines(10)
    })
    const [, ...others] = log.lives
    await room.holds(cutLife(first, 'gone'), ...others)
    log.rotate()
    log.file.lines(10)
    const [, second, ...rest] = log.lives
    if (second === undefined) throw new Error('not rotated')
    await room.holds(cutLife(first, 'gone'), second, ...rest)
  })

  scenario('35: 20 identical short files, which diverge later, also across a restart', async (room) => {
    const files = Array.from({ length: 20 }, (_, at) => room.create(`${at}.log`).write('the same\n'))
    await room.holds(...files)
    for (const file of files.slice(0, 10)) file.lines(1)
    await room.holds(...files)
    await room.whileKilled(() => {
      for (const file of files.slice(5, 15)) file.lines(30)
    })
    for (const file of files) file.write('the same\n')
    await room.holds(...files)
  })

  scenario('36: files with the same 5 KB header', async (room) => {
    const header = 'header '.repeat(750)
    const files = Array.from({ length: 5 }, (_, at) => room.create(`${at}.log`).write(header))
    await room.holds(...files)
    for (const file of files) file.lines(10)
    await room.holds(...files)
    await room.whileDown(() => {
      for (const file of files) file.lines(10)
    })
    await room.holds(...files)
  })

  scenario('37: empty files, of which some get their first byte later, also across a restart', async (room) => {
    const files = Array.from({ length: 100 }, (_, at) => room.create(`${at}.log`))
    const seen = room.create('seen.log').lines(1)
    await room.holds(seen)
    for (const file of files.slice(0, 20)) file.write('x')
    await room.holds(seen, ...files)
    await room.whileDown(() => {
      for (const file of files.slice(10, 40)) file.write('y')
    })
    for (const file of files.slice(30, 50)) file.write('z')
    await room.holds(seen, ...files)
  })

  scenario('39: cp A B in the glob: two files, two streams', async (room) => {
    const file = room.create('app.log').lines(2_000)
    await room.holds(file)
    copyFileSync(room.path('app.log'), room.path('copy.log'))
    const copy = room.reopen('copy.log').wrote(file.content)
    await room.holds(file, copy)
    file.lines(10)
    copy.lines(10)
    await room.holds(file, copy)
  })

  scenario('39-copies: the same with copies: ignore: the copy is not shipped until it differs', async (room) => {
    const file = room.create('app.log').lines(2_000)
    await room.holds(file)
    copyFileSync(room.path('app.log'), room.path('other.log'))
    const later = room.create('later.log').lines(1)
    await room.holds(file, later)
    expect(room.stage.agent.said()).toMatch(/"path":"[^"]*other.log".*"msg":"copy ignored"/)
    const copy = room.reopen('other.log').wrote(file.content).lines(10)
    await room.holds(file, later, copy)
  })

  scenario(
    '39: a hard link of A in the glob: one stream, whichever name is written, and whichever goes',
    async (room) => {
      const file = room.create('app.log').lines(10)
      await room.holds(file)
      linkSync(room.path('app.log'), room.path('link.log'))
      file.lines(10)
      room.reopen('link.log').lines(0)
      await room.holds(file)
      unlinkSync(room.path('app.log'))
      file.lines(10)
      await room.holds(file)
      await room.whileDown(() => {
        linkSync(room.path('link.log'), room.path('third.log'))
        unlinkSync(room.path('link.log'))
        file.lines(10)
      })
      await room.holds(file)
    },
  )

  scenario('40: sed -i: the new file has the old name', async (room) => {
    const file = room.create('app.log').lines(10)
    await room.holds(file)
    execFileSync('sed', ['-i', 's/msgnum/number/', room.path('app.log')])
    await room.holds(file, onDisk(room.path('app.log')))
    await room.isSealed(file)
    expect(onDisk(room.path('app.log')).identity).not.toBe(file.identity)
  })

  scenario(
    '40: saved by an editor: the file becomes its backup, a new one has the name, the backup goes',
    async (room) => {
      const file = room.create('app.log').lines(10)
      await room.holds(file)
      renameSync(room.path('app.log'), room.path('app.log~'))
      writeFileSync(room.path('app.log'), `${file.content}one more line\n`)
      unlinkSync(room.path('app.log~'))
      await room.holds(file, onDisk(room.path('app.log')))
      await room.isSealed(file)
    },
  )

  scenario('40: cat > A: the same file, from its beginning', async (room) => {
    const file = room.create('app.log').lines(10)
    await room.holds(file)
    execFileSync('sh', ['-c', 'echo something else > "$0"', room.path('app.log')])
    await room.holds(cutLife(file), onDisk(room.path('app.log')))
  })

  scenario(
    '40: bytes that were shipped are rewritten in place: what was shipped stays, and it is said',
    async (room) => {
      const file = room.create('app.log').lines(1_000)
      await room.holds(file)
      execFileSync('dd', [`of=${room.path('app.log')}`, 'bs=1', 'seek=20000', 'conv=notrunc'], {
        input: 'XXXX',
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      file.lines(10)
      await room.holds(file)
      // What it has hashed while it was sent needs no second reading: only an agent that was started again sees the edit.
      await room.whileDown(() => renameSync(room.path('app.log'), room.path('app.log.1')))
      await room.isSealed(file)
      expect(readFileSync(room.path('app.log.1')).equals(file.content)).toBe(false)
      expect(room.stage.agent.said()).toMatch(new RegExp(`${room.directory}.*"msg":"edited in place"`))
    },
  )

  scenario(
    '41: a binlog whose FLUSH flips byte 21 and appends: the same stream, short or long, live and across a restart',
    async (room) => {
      const head = Buffer.from('fe62696e00000000000f010000000000000000000001000013', 'hex')
      const [short, long] = ['mysql-bin.000001', 'mysql-bin.000002'].map((name) => room.create(name).write(head))
      if (short === undefined || long === undefined) throw new Error('no files')
      long.lines(500)
      await room.holds(short, long)
      for (const name of ['mysql-bin.000001', 'mysql-bin.000002']) flush(room.path(name))
      short.lines(1)
      await room.holds(short, long)
      const third = room.create('mysql-bin.000003').write(head).lines(1)
      await room.holds(short, long, third)
      await room.whileDown(() => flush(room.path('mysql-bin.000003')))
      third.lines(1)
      await room.holds(short, long, third)
    },
  )

  afterwards()
})

function flush(path: string): void {
  const edit = { input: Buffer.from([0]), stdio: ['pipe', 'ignore', 'ignore'] } as const
  execFileSync('dd', [`of=${path}`, 'bs=1', 'seek=21', 'conv=notrunc'], { ...edit, stdio: [...edit.stdio] })
}
