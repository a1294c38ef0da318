import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configOf } from '../../src/config/load.ts'
import { tempDirectory } from '../../test/support/temp-directory.ts'
import { hasProgram, run } from './programs.ts'

const room = join(import.meta.dirname, '../systemd')
const units = ['logcask-agent', 'logcask-farewell', 'logcask-server']
const analyze = 'systemd-analyze'
const why = hasProgram(analyze) ? '' : ` (not run: no ${analyze})`

const read = (name: string): Promise<string> => readFile(join(room, name), 'utf8')

/** The values that a unit has for a setting, in their order. */
function valuesOf(unit: string, name: string): string[] {
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

/** The unit with a drop-in behind it, as systemd reads them, and with programs that are on every machine. */
async function placed(unit: string, dropIn = ''): Promise<string> {
  const directory = await tempDirectory('units')
  const text = (await read(`${unit}.service`)).replaceAll('/usr/bin/logcask', '/bin/true')
  await mkdir(directory, { recursive: true })
  const path = join(directory, `${unit}.service`)
  await writeFile(path, `${text}\n${dropIn}`)
  return path
}

async function exposure(path: string): Promise<number> {
  const { stdout, stderr } = await run(analyze, ['security', '--offline=true', '--no-pager', path])
  const [, level] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? []
  if (level === undefined) throw new Error(`no level in ${stdout}${stderr}`)
  return Number(level)
}

describe.skipIf(why !== '')(`systemd about the units${why}`, () => {
  it.each(units)('%s: nothing is wrong with it', async (unit) => {
    const { code, stdout, stderr } = await run(analyze, ['verify', '--man=no', await placed(unit)])
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' })
  })

  it('a mistyped setting would be found', async () => {
    const { stderr } = await run(analyze, [
      'verify',
      '--man=no',
      await placed('logcask-agent', '[Service]\nProtectSistem=yes'),
    ])
    expect(stderr).toContain('ProtectSistem')
  })

  it('what ships last words starts beside auditd, which starts before every other service', async () => {
    const path = await placed('logcask-farewell', '[Unit]\nWants=auditd.service')
    // Its ordering, as Debian, Ubuntu and Red Hat have it.
    const auditd = `[Unit]
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
[Service]
ExecStart=/bin/true
`
    await writeFile(join(dirname(path), 'auditd.service'), auditd)
    const { code, stdout, stderr } = await run(analyze, ['verify', '--man=no', path])
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' })
  })

  it.each(units)('%s: an exposure of 2.0 at most', async (unit) => {
    expect(await exposure(await placed(unit))).toBeLessThanOrEqual(2)
  })

  it.each(['after-delete', 'local-bucket'])('with the drop-in %s: still OK, and nothing is wrong', async (name) => {
    const path = await placed('logcask-agent', await read(`examples/${name}.conf`))
    const { code, stdout, stderr } = await run(analyze, ['verify', '--man=no', path])
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' })
    expect(await exposure(path)).toBeLessThan(3)
  })
})

describe('what the units say', () => {
  it('the agent tells systemd how it stands, and is started again but for a bad configuration', async () => {
    const unit = await read('logcask-agent.service')
    for (const [name, value] of [
      ['Type', 'notify'],
      ['NotifyAccess', 'all'],
      ['WatchdogSec', '60s'],
      ['Restart', 'always'],
      ['RestartPreventExitStatus', '2'],
      ['StateDirectory', 'logcask'],
      ['StateDirectoryMode', '0700'],
      ['RuntimeDirectory', 'logcask'],
      ['LogsDirectory', 'logcask'],
      ['DynamicUser', 'yes'],
    ] as const)
      expect(valuesOf(unit, name), name).toEqual([value])
    expect(valuesOf(unit, 'ExecReload').join()).toContain('kill -HUP')
    // V8 compiles.
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m)
  })

  it.each(units)('%s: systemd waits longer for a stop than the agent for its deliveries', async (unit) => {
    const { drainTimeoutMs } = await configOf(
      { sources: [{ name: 'a', include: ['/a'] }], destinations: [{ url: 'file:///b' }] },
      'the defaults',
      {},
    )
    const [seconds = ''] = valuesOf(await read(`${unit}.service`), 'TimeoutStopSec')
    expect(Number.parseInt(seconds, 10) * 1000).toBeGreaterThan(2 * drainTimeoutMs)
  })

  it('at a stop: applications and rsyslog, then what ships their last words, then the network', async () => {
    const farewell = await read('logcask-farewell.service')
    // Stopped in the reverse of their order.
    expect(valuesOf(farewell, 'Before').join(' ').split(' ')).toEqual(
      expect.arrayContaining(['logcask-agent.service', 'rsyslog.service', 'nginx.service', 'docker.service']),
    )
    expect(valuesOf(farewell, 'After')).toEqual(['network.target nss-lookup.target'])
    expect(valuesOf(farewell, 'ExecStop')).toEqual(['/usr/bin/logcask agent --once'])
    const agent = await read('logcask-agent.service')
    // Nobody's start waits for a bucket.
    expect(valuesOf(agent, 'Before')).toEqual([])
    expect(valuesOf(agent, 'After').join(' ')).toContain('network-online.target')
  })

  it('what ships last words may write wherever the agent does', async () => {
    const farewell = await read('logcask-farewell.service')
    const agent = await read('logcask-agent.service')
    for (const name of ['StateDirectory', 'StateDirectoryMode', 'LogsDirectory', 'LogsDirectoryMode', 'ReadWritePaths'])
      expect(valuesOf(farewell, name), name).toEqual(valuesOf(agent, name))
  })

  it('are all of the same make: what confines one confines the others', async () => {
    const shared = [
      ...(await read('logcask-farewell.service')).matchAll(/^((?:Protect|Restrict|Private|System|No)\w+=.*)$/gm),
    ]
    const agent = await read('logcask-agent.service')
    expect(shared.length).toBeGreaterThan(15)
    for (const [, line = ''] of shared) expect(agent).toContain(`\n${line}\n`)
  })

  it('every file of the room is in the packages', async () => {
    const { contents } = await import('../packages/contents.ts')
    const packed = contents.map(({ from }) => from)
    for (const entry of await readdir(room, { recursive: true, withFileTypes: true }))
      if (entry.isFile())
        expect(packed).toContain(`packaging/systemd/${join(entry.parentPath, entry.name).slice(room.length + 1)}`)
  })
})
