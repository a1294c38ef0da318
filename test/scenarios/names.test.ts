import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { family } from './family.ts'
import { LogFile, onDisk } from './log-file.ts'
import { type Ended, spawnLogcask } from './logcask-process.ts'
import { whenLong } from './long.ts'

guardLeaks()

describe('names, and what is no file', () => {
  const family56 = family('names')
  const { scenario, afterwards } = family56

  scenario('56: names with spaces, line ends, quotes, [x], of 255 bytes, and not UTF-8', async (room) => {
    const names = [
      'with space',
      'line\nend',
      'carriage\rreturn',
      '"quoted"\'',
      '[x]',
      '{a,b}',
      '*',
      '?.log',
      '-n',
      '~',
      'ünïcode',
      '日本',
      '\\',
      'n'.repeat(255),
    ]
    const files = names.map((name) => room.create(name).lines(3))
    const bytes = Buffer.concat([Buffer.from(`${room.directory}/caf`), Buffer.from([0xe9, 0xff])])
    const odd = new LogFile(bytes).lines(3)
    await room.holds(...files, odd)
    for (const file of [...files, odd]) file.lines(1)
    await room.whileDown(() => {
      for (const file of [...files, odd]) file.lines(1)
      renameSync(room.path('[x]'), room.path('[x].1'))
    })
    await room.holds(...files, odd)
    odd.close()
    for (const name of ['with space', 'line\nend', '*', 'n'.repeat(255)]) {
      const { stdout } = await logcaskCat(room.path(name))
      expect(stdout.equals(files[names.indexOf(name)]?.content ?? Buffer.alloc(0))).toBe(true)
    }
  })

  scenario('56: a directory that is renamed while its files are written, and made anew', async (room) => {
    mkdirSync(room.path('logs'))
    const old = room.create('logs/app.log').lines(10)
    await room.holds(old)
    renameSync(room.path('logs'), room.path('logs.old'))
    mkdirSync(room.path('logs'))
    const fresh = room.create('logs/app.log').lines(10)
    old.lines(10)
    await room.holds(old, fresh)
    rmSync(room.path('logs.old'), { recursive: true })
    old.lines(3)
    fresh.lines(3)
    await room.holds(old, fresh)
    // Others stop the agent: before this, a file without a name would be one whose end nobody saw.
    await room.isSealed(old)
  })

  scenario(
    '56: a FIFO, a socket, a device and a directory among the files: left alone, and nothing waits for them',
    async (room) => {
      execFileSync('mkfifo', [room.path('fifo.log')])
      const server = createServer().listen(room.path('socket.log'))
      symlinkSync('/dev/zero', room.path('device.log'))
      mkdirSync(room.path('directory.log'))
      const file = room.create('app.log').lines(10)
      await room.holds(file)
      await room.whileDown(() => file.lines(10))
      await room.holds(file)
      server.close()
    },
  )

  const sessions = whenLong(200, 20)
  scenario(
    `56: a tree as sudo makes it: ${sessions} sessions of eight small files, each in new nested directories`,
    async (room) => {
      const files = ['log', 'log.json', 'timing', 'ttyin', 'ttyout', 'stdin', 'stdout', 'stderr']
      const paths: string[] = []
      const writers: LogFile[] = []
      for (let session = 0; session < sessions; session++) {
        const id = session.toString(36).padStart(6, '0').toUpperCase()
        const directory = join('00', id.slice(0, 2), id.slice(2, 4), id.slice(4, 6))
        mkdirSync(room.path(directory), { recursive: true })
        for (const name of files) {
          const path = room.path(join(directory, name))
          if (name === 'ttyout') writers.push(room.create(join(directory, name)))
          else writeFileSync(path, name === 'stdin' ? '' : `session ${id} ${name}\n`)
          paths.push(path)
        }
      }
      for (const writer of writers) writer.lines(2)
      await room.holds(...paths.map((path) => onDisk(path)))
      for (const writer of writers) writer.lines(1)
      await room.holds(...paths.map((path) => onDisk(path)))
      expect(readdirSync(room.directory)).toEqual(['00'])
      expect(statSync(room.path('00')).isDirectory()).toBe(true)
    },
  )

  afterwards()

  function logcaskCat(path: string): Promise<Ended> {
    return spawnLogcask(['cat', `file://${family56.stage.bucket}`, 'web-1', path]).ended
  }
})
