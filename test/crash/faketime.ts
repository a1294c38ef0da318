/**
 * libfaketime, which tells a process another time. Fetched once, without installing anything:
 *     node test/crash/faketime.ts
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where tools for tests stay from one run to the next. */
const kept = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'logcask-ci/faketime')
const library = 'faketime/libfaketimeMT.so.1'

/** The library, installed or fetched; undefined where there is none. */
export function findFaketime(): string | undefined {
  const roots = ['/usr/lib', '/usr/local/lib', join(kept, 'usr/lib')].filter((root) => existsSync(root))
  const rooms = roots.flatMap((root) => [root, ...readdirSync(root).map((name) => join(root, name))])
  return rooms.map((room) => join(room, library)).find((path) => existsSync(path))
}

/** The time that is told is in `file`, as `-2d`, and may change while the process runs. */
export function fakedTime(libraryPath: string, file: string): Record<string, string> {
  return {
    LD_PRELOAD: libraryPath,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // Timers go on: what steps is the time of day, as with NTP or by hand.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    // Files keep their times, as they do when a clock is set.
    NO_FAKE_STAT: '1',
  }
}

/** For a process that reads it at any moment: all of it at once. */
export function tellTime(file: string, text: string): void {
  writeFileSync(`${file}.new`, `${text}\n`)
  renameSync(`${file}.new`, file)
}

function fetchFaketime(): void {
  const directory = mkdtempSync(join(tmpdir(), 'logcask-faketime-'))
  try {
    execFileSync('apt-get', ['download', 'libfaketime'], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
    const [archive = ''] = readdirSync(directory)
    mkdirSync(kept, { recursive: true })
    execFileSync('dpkg', ['-x', join(directory, archive), kept])
  } finally {
    rmSync(directory, { recursive: true })
  }
}

if (import.meta.main) {
  if (findFaketime() === undefined) fetchFaketime()
  process.stdout.write(`${findFaketime()}\n`)
}
