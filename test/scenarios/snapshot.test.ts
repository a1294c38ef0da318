import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount } from '../support/mounts.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { objectsBelow, type StreamView, streamsOf } from './bucket-view.ts'
import { type ExpectedStream, LogFile } from './log-file.ts'
import { type Ended, logcask } from './logcask-process.ts'

guardLeaks()

const machineId = '0123456789abcdef0123456789abcdef'
/** Its writer holds it until the test is over. */
function written(path: string): LogFile {
  const file = new LogFile(path)
  onTestFinished(() => file.close())
  return file
}

const timeout = { timeout: 180_000 }

const kinds = {
  ext4: { megabytes: 16, make: ['-q', '-F'], readOnly: 'ro,loop,noload' },
  xfs: { megabytes: 320, make: ['-q', '-f'], readOnly: 'ro,loop,norecovery,nouuid' },
} as const

function whyNot(kind: keyof typeof kinds): string {
  if (!canMount()) return ' (not run: only root may mount)'
  const isThere = (name: string): boolean => ['/usr/sbin', '/sbin', '/usr/bin'].some((at) => existsSync(join(at, name)))
  const missing = [`mkfs.${kind}`, 'fsfreeze', 'unshare'].find((name) => !isThere(name))
  return missing === undefined ? '' : ` (not run: there is no ${missing})`
}

/** The disk of a machine, mounted here, and its agent, which sees it as its own /var. */
class Original {
  readonly directory: string
  readonly disk: string
  readonly kind: keyof typeof kinds

  constructor(directory: string, kind: keyof typeof kinds) {
    this.directory = directory
    this.kind = kind
    this.disk = join(directory, 'disk')
    mkdirSync(this.disk)
    const { megabytes, make } = kinds[kind]
    writeFileSync(this.image, '')
    truncateSync(this.image, megabytes * 2 ** 20)
    execFileSync(`mkfs.${kind}`, [...make, this.image], { stdio: 'ignore' })
    mount('-o', 'loop', this.image, this.disk)
    for (const name of ['etc/logcask', 'var/log', 'var/lib/logcask', 'data'])
      mkdirSync(join(this.disk, name), { recursive: true })
    writeFileSync(join(this.disk, 'etc/hostname'), 'not-its-host\n')
    writeFileSync(join(this.disk, 'etc/machine-id'), `${machineId}\n`)
    symlinkSync('/var/log', join(this.disk, 'data/logs'))
    symlinkSync('/etc/passwd', join(this.disk, 'var/log/leads-out.log'))
  }

  get image(): string {
    return join(this.directory, 'image')
  }

  get bucket(): string {
    return join(this.directory, 'bucket')
  }

  log(name: string): string {
    return join(this.disk, 'var/log', name)
  }

  /** Its agent, once; its /var is the disk's. */
  async deliver(): Promise<Ended> {
    const config = join(this.directory, 'agent.yaml')
    const settings = {
      host: 'web-1',
      state: '/var/lib/logcask',
      machineId,
      sources: [{ name: 'logs', include: ['/var/log/**'], sealAfter: '1s' }],
      destinations: [{ url: `file://${this.bucket}` }],
    }
    writeFileSync(config, JSON.stringify(settings))
    const script = `mount --bind ${this.disk}/var /var && exec "$@"`
    return logcask(['agent', '--once', '-c', config], { by: ['unshare', '-m', 'sh', '-c', script, 'sh'] })
  }

  /** An image of the disk as it is now, mounted read-only. */
  snapshot(): string {
    const image = join(this.directory, 'snapshot.image')
    const at = join(this.directory, 'snap')
    mkdirSync(at)
    execFileSync('fsfreeze', ['--freeze', this.disk])
    try {
      execFileSync('cp', ['--sparse=always', this.image, image])
    } finally {
      execFileSync('fsfreeze', ['--unfreeze', this.disk])
    }
    mount('-o', kinds[this.kind].readOnly, image, at)
    return at
  }

  async streams(): Promise<StreamView[]> {
    return streamsOf(await objectsBelow(this.bucket))
  }

  /** Exactly these, each once, under the original's paths. */
  async holds(...expected: readonly ExpectedStream[]): Promise<void> {
    const line = ({ identity, content }: { identity: string; content: Buffer }): string =>
      `${identity} ${content.length} ${content.subarray(-40)}`
    const views = (await this.streams()).filter(({ content }) => content.length > 0)
    expect(views.map(line).sort()).toEqual(expected.map(line).sort())
    for (const view of views) {
      expect(expected.find(({ identity }) => identity === view.identity)?.content.equals(view.content)).toBe(true)
      expect(view).toMatchObject({ strays: 0, gaps: [] })
      expect(view.path).toMatch(/^\/var\/log\//)
    }
  }
}

function mount(...args: string[]): void {
  execFileSync('mount', args)
  const at = args.at(-1) ?? ''
  onTestFinished(() => void execFileSync('umount', ['-l', at]))
}

async function original(kind: keyof typeof kinds): Promise<Original> {
  return new Original(await tempDirectory(`snapshot-${kind}`), kind)
}

const ship = (from: Original, root: string, paths: string[], ...more: string[]): Promise<Ended> =>
  logcask(['ship', '--root', root, ...paths, '--to', `file://${from.bucket}`, ...more])

for (const kind of ['ext4', 'xfs'] as const) {
  const why = whyNot(kind)
  describe.skipIf(why !== '')(`a snapshot of a machine on ${kind}${why}`, timeout, () => {
    it('its streams go on: what was rotated and grown since is sent, and nothing twice; then the original goes on', async () => {
      const machine = await original(kind)
      const [old, quiet] = [written(machine.log('app.log')), written(machine.log('quiet.log'))]
      old.lines(500)
      quiet.lines(100)
      expect(await machine.deliver()).toMatchObject({ code: 0 })
      await machine.holds(old, quiet)
      old.lines(50)
      renameSync(machine.log('app.log'), machine.log('app.log.1'))
      const fresh = written(machine.log('app.log')).lines(20)
      const root = machine.snapshot()
      const inSnapshot = [old, quiet, fresh].map(({ identity, content }) => ({ identity, content, gaps: [] }))
      fresh.lines(5)
      const { code, stdout, stderr } = await ship(machine, root, ['/data/logs'], '--json')
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
      const lines = stdout.toString().trim().split('\n')
      expect(lines.map((line) => JSON.parse(line).path).sort()).toEqual([
        '/var/log/app.log',
        '/var/log/app.log.1',
        '/var/log/quiet.log',
      ])
      await machine.holds(...inSnapshot)
      const before = (await objectsBelow(machine.bucket)).size
      const again = await ship(machine, root, ['/var/log/*.log*'])
      expect({ code: again.code, stderr: again.code === 0 ? '' : again.stderr }).toEqual({ code: 0, stderr: '' })
      expect((await objectsBelow(machine.bucket)).size).toBe(before)
      expect(await machine.deliver()).toMatchObject({ code: 0 })
      await machine.holds(old, quiet, fresh)
    })

    it('an older one sends nothing', async () => {
      const machine = await original(kind)
      const file = written(machine.log('app.log')).lines(300)
      const root = machine.snapshot()
      file.lines(100)
      expect(await machine.deliver()).toMatchObject({ code: 0 })
      const before = (await objectsBelow(machine.bucket)).size
      expect(await ship(machine, root, ['/var/log'], '--host', 'web-1')).toMatchObject({ code: 0 })
      expect((await objectsBelow(machine.bucket)).size).toBe(before)
      await machine.holds(file)
    })
  })
}

const why = whyNot('ext4')
describe.skipIf(why !== '')(`a copy of a machine's files${why}`, timeout, () => {
  it('is refused without --adopt; with it, known by content: the rest is sent, small and rotated files too', async () => {
    const machine = await original('ext4')
    const [old, small] = [written(machine.log('app.log')), written(machine.log('small.log'))]
    old.lines(500)
    small.lines(1)
    expect(await machine.deliver()).toMatchObject({ code: 0 })
    renameSync(machine.log('app.log'), machine.log('app.log.1'))
    const fresh = written(machine.log('app.log')).lines(10)
    expect(await machine.deliver()).toMatchObject({ code: 0 })
    fresh.lines(5)
    small.lines(2)
    const copy = join(machine.directory, 'copy')
    cpSync(machine.disk, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    const refused = await ship(machine, copy, ['/var/log'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/is a copy of the files(.|\n)*--adopt/)
    const { code, stderr } = await ship(machine, copy, ['/var/log'], '--adopt')
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    await machine.holds(old, small, fresh)
    const before = (await objectsBelow(machine.bucket)).size
    expect(await ship(machine, copy, ['/var/log'], '--adopt')).toMatchObject({ code: 0 })
    expect((await objectsBelow(machine.bucket)).size).toBe(before)
    expect(await machine.deliver()).toMatchObject({ code: 0 })
    await machine.holds(old, small, fresh)
  })
})

describe('--root', () => {
  const say = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await logcask(['ship', ...args])
    expect(code).toBe(2)
    return stderr
  }

  it('what cannot be meant is refused, with the remedy', async () => {
    const directory = await tempDirectory('root')
    const to = ['--to', `file://${directory}/bucket`]
    expect(await say('--root', '/', '/var/log', ...to)).toMatch(/is the live system(.|\n)*leave --root out/)
    expect(await say('--root', '/proc/self/root', '/var/log', ...to)).toMatch(/is the live system/)
    expect(await say('--root', join(directory, 'none'), '/var/log', ...to)).toMatch(/no such directory(.|\n)*mount/)
    expect(await say('--root', directory, '/var/log', ...to)).toMatch(/nothing there says its host(.|\n)*--host/)
    mkdirSync(join(directory, 'var/log'), { recursive: true })
    const rooted = ['--root', directory, '--host', 'web-1']
    expect(await say(...rooted, 'var/log', '--to', 'file:///x')).toMatch(/those of the original machine/)
    expect(await say(...rooted, join(directory, 'var/log'), '--to', 'file:///x')).toMatch(
      /original machine: \/var\/log/,
    )
    expect(await say(...rooted, '/var/log', ...to)).toMatch(/lies under --root/)
    expect(await say(...rooted, '/var/log', '--state', join(directory, 's'), '--to', 'file:///x')).toMatch(
      /lies under --root/,
    )
    expect(await say('--adopt', '/var/log', ...to)).toMatch(/--root DIR/)
    expect(readdirSync(directory)).toEqual(['var'])
    rmSync(directory, { recursive: true })
  })
})
