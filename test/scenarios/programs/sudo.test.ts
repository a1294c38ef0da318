import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { guardLeaks } from '../../support/leak-guard.ts'
import { canMount } from '../../support/mounts.ts'
import { alone } from '../alone.ts'
import { expectNothingElse } from '../family.ts'
import { onDisk } from '../log-file.ts'
import { spawnLogcask } from '../logcask-process.ts'
import { Program } from './program.ts'

guardLeaks()

const [sudo, sudoreplay] = [new Program('sudo'), new Program('sudoreplay')]
const why = (): string | undefined => {
  if (sudo.root !== '/' || sudo.path === undefined)
    return ' (not run: sudo is not installed, and unpacked it is not setuid)'
  if (sudoreplay.path === undefined) return sudoreplay.missing
  return canMount() ? undefined : ' (not run: only root may give sudo another sudoers)'
}

describe.skipIf(why() !== undefined)(`sudo with I/O logs${why() ?? ''}`, () => {
  it.concurrent.for([', !compress_io', ', compress_io'])(
    'log_input, log_output%s: sudoreplay plays the copy as it plays the original',
    async (compression, context) => {
      const { stage, room } = await alone(context, 'sudo', { source: { exclude: ['seq'] } })
      const sudoers = join(stage.directory, 'sudoers')
      // The last bytes of a file that is compressed are shipped once it has stood still for a minute.
      room.patienceMs = 150_000
      const io = room.path('sudo-io')
      writeFileSync(
        sudoers,
        `Defaults !requiretty, !use_pty, log_input, log_output${compression}, iolog_dir=${io}, !syslog\nroot ALL=(ALL:ALL) NOPASSWD: ALL\n`,
        { mode: 0o440 },
      )
      await stage.agent.start()
      const session = (script: string, input = ''): void => {
        // Its own sudoers, in a mount namespace that ends with it: the machine's stays as it is.
        const inside = 'mount --bind "$0" /etc/sudoers && exec sudo -n -- sh -c "$1"'
        execFileSync('unshare', ['-m', 'sh', '-c', inside, sudoers, script], {
          input,
          stdio: ['pipe', 'ignore', 'pipe'],
        })
      }
      session('for n in $(seq 200); do echo "first session $n"; done')
      session('cat; echo error >&2', 'typed by somebody\n')
      await stage.agent.kill()
      session('echo while nobody looked; sleep 0.2; echo later')
      await stage.agent.start()
      session('seq 3')
      await room.holds(...filesBelow(io).map((path) => onDisk(path)))
      await stage.agent.stop()
      await expectNothingElse(stage, [room])

      const copy = join(stage.directory, 'copy')
      for (const path of filesBelow(io)) {
        const target = join(copy, path.slice(io.length + 1))
        mkdirSync(join(target, '..'), { recursive: true })
        const { code, stdout } = await spawnLogcask(['cat', stage.url, 'web-1', path]).ended
        // An empty file has no stream while it lives: it is its absence that says so.
        if (code === 0) writeFileSync(target, stdout)
        else expect(onDisk(path).content.length).toBe(0)
        if (code !== 0) writeFileSync(target, '')
      }
      const sessions = filesBelow(io)
        .filter((path) => path.endsWith('/log'))
        .map((path) => path.slice(io.length + 1, -'/log'.length).replaceAll('/', ''))
      expect(sessions.sort()).toEqual(['000001', '000002', '000003', '000004'])
      for (const id of sessions) {
        const play = (directory: string): string =>
          sudoreplay.run(['-d', directory, '-m', '0', '-f', 'stdout,stderr,stdin', id]).toString()
        expect(play(copy)).toBe(play(io))
      }
      expect(sudoreplay.run(['-d', copy, '-m', '0', '-f', 'stdout', '000001']).toString()).toContain(
        'first session 200',
      )
      rmSync(copy, { recursive: true })
    },
  )
})

function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  // `seq` is a counter that sudo rewrites: no log.
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'seq')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
