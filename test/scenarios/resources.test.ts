import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  unlinkSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { alone, aloneTimeout, aloneWithServer } from './alone.ts'
import { expectNothingElse } from './family.ts'
import { LogFile } from './log-file.ts'
import { until } from './logcask-process.ts'
import { isLong, whenLong } from './long.ts'

guardLeaks()

const isRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }
const long = { timeout: 1_800_000 }

describe('what the machine does not give', () => {
  it.concurrent(
    '46: a file and a directory that may not be read at start, and may later',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, '46', { run: isRoot ? nobody : {} })
      const [open, closed] = [room.create('open.log').lines(10), room.create('closed.log').lines(10)]
      for (const name of ['before', 'locked']) mkdirSync(room.path(name))
      const before = room.create('before/app.log').lines(10)
      const locked = room.create('locked/app.log').lines(10)
      if (isRoot)
        for (const path of [stage.directory, stage.logs, stage.config, room.directory, room.path('before')])
          chownSync(path, nobody.uid, nobody.gid)
      chmodSync(room.path('closed.log'), 0)
      chmodSync(room.path('locked'), 0)
      await stage.agent.start()
      await room.holds(open, before)
      expect(stage.agent.said()).toMatch(/closed\.log.*EACCES.*let this user read it/)
      expect(stage.agent.said()).toMatch(/locked.*cannot be searched: EACCES/)
      // What was seen once and is behind a closed door now is not gone.
      await stage.agent.stop()
      chmodSync(room.path('before'), 0)
      await stage.agent.start()
      open.lines(10)
      await room.holds(open, before)
      chmodSync(room.path('closed.log'), 0o644)
      chmodSync(room.path('locked'), 0o755)
      chmodSync(room.path('before'), 0o755)
      before.lines(1)
      await room.holds(open, before, closed, locked)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )

  it.concurrent(
    '47: 200 files with 100 descriptors: every line once, no state wiped',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, '47', { run: { by: ['sh', '-c', 'ulimit -n 100; exec "$0" "$@"'] } })
      const files = Array.from({ length: 200 }, (_, at) => room.create(`${at}.log`).lines(5))
      await stage.agent.start()
      expect(readFileSync(`/proc/${stage.agent.pid}/limits`, 'utf8')).toMatch(/Max open files +100 +100/)
      await room.holds(...files)
      for (const file of files) file.lines(1)
      await room.holds(...files)
      for (let at = 0; at < 200; at += 10) renameSync(room.path(`${at}.log`), room.path(`${at}.log.1`))
      for (const file of files) file.lines(1)
      await room.holds(...files)
      await stage.agent.stop()
      for (const file of files) file.lines(1)
      await stage.agent.start()
      await room.holds(...files)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
      expect(stage.agent.said()).not.toContain('EMFILE')
    },
  )

  const canUnshare = succeeds('unshare', ['-Ur', 'sh', '-c', 'echo 20 > /proc/sys/user/max_inotify_watches'])
  it.skipIf(!canUnshare).concurrent(
    `48: 20 inotify watches, 40 directories: the rest is found by scans${canUnshare ? '' : ' (not run: no user namespaces here)'}`,
    aloneTimeout,
    async (context) => {
      const limit = 'echo 20 > /proc/sys/user/max_inotify_watches; exec "$0" "$@"'
      const { stage, room } = await alone(context, '48', { run: { by: ['unshare', '-Ur', 'sh', '-c', limit] } })
      const names = Array.from({ length: 40 }, (_, at) => `${at}`)
      for (const name of names) mkdirSync(room.path(name))
      const files = names.map((name) => room.create(`${name}/app.log`).lines(5))
      await stage.agent.start()
      await room.holds(...files)
      for (const file of files) file.lines(5)
      await room.holds(...files)
      const more = names.map((name) => room.create(`${name}/more.log`).lines(5))
      await room.holds(...files, ...more)
      expect(stage.agent.said()).toMatch(/cannot watch: .*(ENOSPC|EMFILE).*raise fs\.inotify/)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )

  const many = whenLong(20_000, 300)
  it.concurrent(
    `49: ${many} files created while the agent stands still, more events than the kernel keeps`,
    long,
    async (context) => {
      const { stage, room } = await alone(context, '49')
      const first = room.create('first.log').lines(1)
      await stage.agent.start()
      await room.holds(first)
      const eventsMax = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'))
      await stage.agent.freeze()
      const files = [first]
      for (let at = 0; at < many; at++) {
        const file = new LogFile(room.path(`${at}.log`)).lines(1)
        file.close()
        files.push(file)
      }
      // Alternately: the kernel merges equal events that follow each other.
      const [a, b] = [room.create('a.log'), room.create('b.log')]
      for (let event = 0; event < eventsMax; event += 2) for (const file of [a, b]) file.write('.')
      // What comes after the overflow makes no event at all.
      const last = room.create('last.log').lines(1)
      stage.agent.thaw()
      await room.holds(...files, a, b, last)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )

  it.concurrent(
    `50: the store hangs for ${whenLong('three minutes', 'four seconds')}, its writer idles, both go on`,
    long,
    async (context) => {
      const { stage, room, server } = await aloneWithServer(context, '50', { destination: { requestTimeout: '1s' } })
      const file = room.create('app.log').lines(10)
      await stage.agent.start()
      await room.holds(file)
      const heal = server.fault(() => ({ kind: 'hang' }))
      file.lines(1_000)
      const idle = room.create('idle.log').lines(10)
      await sleep(whenLong(180_000, 4_000))
      file.lines(1)
      heal()
      await room.holds(file, idle)
      file.lines(1)
      idle.lines(1)
      await room.holds(file, idle)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )

  it.concurrent(
    '51: deleted before it was delivered, the store down; then up: all of it arrives, and its descriptor is given back',
    aloneTimeout,
    async (context) => {
      const { stage, room, server } = await aloneWithServer(context, '51')
      const [kept, deleted, replaced] = [
        room.create('kept.log').lines(10),
        room.create('deleted.log'),
        room.create('app.log'),
      ]
      await stage.agent.start()
      await room.holds(kept)
      const heal = server.fault(() => ({ kind: 'instead', reply: { status: 503 } }))
      for (const file of [deleted, replaced]) file.lines(2_000)
      const isOpen = (name: string): boolean =>
        openFilesOf(stage.agent.pid).some((path) => path.startsWith(room.path(name)))
      await until('both are held', () => isOpen('deleted.log') && isOpen('app.log'))
      unlinkSync(room.path('deleted.log'))
      unlinkSync(room.path('app.log'))
      const fresh = room.create('app.log').lines(10)
      await sleep(isLong ? 60_000 : 1_500)
      heal()
      await room.holds(kept, deleted, replaced, fresh)
      for (const file of [deleted, replaced]) await room.isSealed(file)
      const held = (): string[] => openFilesOf(stage.agent.pid).filter((path) => path.endsWith('(deleted)'))
      await until('the descriptors are given back', () => held().length === 0, {
        withinMs: 60_000,
        everyMs: 200,
        context: () => held().join('\n'),
      })
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )
})

function openFilesOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`
  return readdirSync(directory).map((fd) => {
    try {
      return readlinkSync(`${directory}/${fd}`)
    } catch {
      return ''
    }
  })
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
