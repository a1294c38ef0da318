import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Match } from '../../src/cli/validate/matches.ts'
import { assess, stateWarnings } from '../../src/cli/validate/validate-assess.ts'
import type { AgentConfig } from '../../src/config/agent-config.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

describe('logcask validate', () => {
  it('says what the sources match, what it costs at most, and where it was read', async () => {
    const { file, logs } = await machine()
    const { code, stdout, stderr } = await commandLine(['validate', '-c', file])
    expect(code).toBe(0)
    const lines = stdout.split('\n').map((line) => line.replace(/ +/g, ' '))
    expect(lines[0]).toBe(`ok ${file}`)
    expect(lines[1]).toBe('host web-1 · state /var/lib/test')
    expect(lines.slice(3, 9)).toEqual([
      'SOURCE FILES BYTES LIVE PER DAY TOO OLD TO',
      'app 2 3.0 KiB 2 3.0 KiB 0 eu, nas',
      'empty 0 0 B 0 0 B 0 eu',
      '',
      'DESTINATION URL FILES REQUESTS/H $/MONTH STORAGE IF ALL WERE LIVE',
      'eu s3://acme-eu/prod 2 ≤ 1,442 ≤ $2.84 <$0.001 ≤ 1,442/h ≤ $2.84',
    ])
    expect(lines[9]).toBe(`nas file://${logs}/nas 2 ≤ 1,442 – – ≤ 1,442/h –`)
    expect(stderr).toContain('warning: source empty matches no file at present')
  })

  it('says the same with --json, for a machine', async () => {
    const { file } = await machine()
    const { code, stdout } = await commandLine(['validate', '--config', file, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      files: [file],
      host: 'web-1',
      stateDirectory: '/var/lib/test',
      sources: [
        { name: 'app', files: 2, bytes: 3072, live: 2, to: ['eu', 'nas'] },
        { name: 'empty', files: 0, bytes: 0, live: 0, to: ['eu'] },
      ],
      destinations: [
        { name: 'eu', files: 2, bytes: 3072, live: 2, atMost: { requestsPerHour: 1442 } },
        { name: 'nas', files: 2, atMost: { requestsPerHour: 1442 } },
      ],
      warnings: expect.arrayContaining([expect.stringContaining('source empty matches no file')]),
    })
  })

  it.skipIf(process.getuid?.() === 0)('I4: names what this user cannot read', async () => {
    const { file, logs } = await machine()
    await chmod(join(logs, 'a.log'), 0o000)
    const { stderr } = await commandLine(['validate', '-c', file])
    expect(stderr).toContain(`warning: ${logs}/a.log cannot be read (EACCES): let this user read it`)
  })

  it('says which source takes the files of another, and that the state directory has another host; writes nothing', async () => {
    const { logs, directory, file } = await machine()
    const state = join(directory, 'state')
    await mkdir(state)
    await writeFile(join(state, 'agent.json'), '{"v":1,"host":"old","agentId":"x","destinations":[]}')
    const settings = (await readFile(file, 'utf8')).replace('/var/lib/test', state)
    await writeFile(file, settings.replace(`${logs}/none/*`, `${logs}/a.*`))
    const { code, stderr } = await commandLine(['validate', '-c', file])
    expect(code).toBe(0)
    expect(stderr).toContain(
      'warning: source empty gets no file: its files are taken by source app, which is named first',
    )
    expect(stderr).toContain(`warning: state directory ${state} belongs to host old, not to web-1`)
    expect(await readdir(state)).toEqual(['agent.json'])
    await writeFile(join(state, 'agent.json'), '{"v":9}')
    expect((await commandLine(['validate', '-c', file])).stderr).toContain('is of version 9')
  })

  it('follows a symbolic link only where it is told to', async () => {
    const { file, logs } = await machine()
    await symlink(join(logs, 'a.log'), join(logs, 'link.log'))
    const { stdout } = await commandLine(['validate', '-c', file, '--json'])
    expect(JSON.parse(stdout).sources[0].files).toBe(2)
  })

  it('ends with 2 and every problem where the configuration cannot be used', async () => {
    const directory = await tempDirectory()
    const file = join(directory, 'agent.yaml')
    await writeFile(file, 'sources: []\ndestinatons: []\n')
    expect(await commandLine(['validate', '-c', file])).toEqual({
      code: 2,
      stdout: '',
      stderr: `logcask: ${file}:2: destinatons: unknown setting\nfix: did you mean destinations?\n`,
    })
  })

  it('ends with 2 where there is no configuration', async () => {
    const { code, stderr } = await commandLine(['validate', '-c', join(await tempDirectory(), 'none.yaml')])
    expect(code).toBe(2)
    expect(stderr).toMatch(/none\.yaml: there is no such file\nfix: /)
  })
})

describe('the warnings', () => {
  const nowMs = Date.UTC(2026, 10, 20)
  const day = 86_400_000
  const file = (path: string, more: Partial<Match> = {}): Match => ({
    source: 'app',
    path,
    bytes: 10,
    changedAtMs: nowMs,
    bornAtMs: nowMs - day,
    ...more,
  })
  const config = (more: Partial<AgentConfig> = {}): AgentConfig => ({
    host: 'web-1',
    stateDirectory: '/s',
    sources: [source('app', ['eu'])],
    destinations: [destination('eu', 's3://eu')],
    scanIntervalMs: 30_000,
    drainTimeoutMs: 20_000,
    spoolBytes: 2 ** 30,
    log: { level: 'info' },
    ...more,
  })
  const warnings = (
    settings: AgentConfig,
    files: Match[],
    hasMachineId = true,
    unreadable: { path: string; errno: string }[] = [],
    takenBy: ReadonlyMap<string, string[]> = new Map(),
  ) => assess(settings, { files, unreadable, takenBy }, { hasMachineId, nowMs, openFilesMax: 1_000 }).warnings

  it('are none where nothing is wrong', () => expect(warnings(config(), [file('/a')])).toEqual([]))

  it('say that this machine has no id', () => {
    expect(warnings(config(), [file('/a')], false)).toEqual([
      expect.stringMatching(/has no id.*systemd-machine-id-setup/),
    ])
  })

  it('say what all files together could cost, and how late a price makes them', () => {
    const files = Array.from({ length: 200 }, (_, at) => file(`/log/${at}`))
    expect(warnings(config(), files)).toEqual([
      expect.stringMatching(/^destination eu: if all 200 files .* up to \$\d+.* a month: set budget: 10 USD\/month/),
    ])
    const priced = (dollarsPerMonth: number): AgentConfig =>
      config({
        destinations: [{ ...destination('eu', 's3://eu'), budget: { burst: 20, everyMs: 10_000, dollarsPerMonth } }],
      })
    expect(warnings(priced(1_000), files)).toEqual([])
    expect(warnings(priced(10), files)).toEqual([
      expect.stringMatching(/^destination eu: at \$10\.00 a month each of 200 live files waits up to \d+ m .*minSize/),
    ])
  })

  it('say that files will take turns', () => {
    const files = Array.from({ length: 1_001 }, (_, at) => file(`/log/${at}`, { changedAtMs: 0, bornAtMs: 0 }))
    const free = config({ destinations: [destination('eu', 'file:///nas')] })
    expect(warnings(free, files)).toEqual([expect.stringMatching(/^1,001 files, and 1,000 may be open.*LimitNOFILE/)])
  })

  it('say that a file outlives its segments', () => {
    const settings = config({ destinations: [{ ...destination('eu', 's3://eu'), retentionMs: 7 * day }] })
    const old = file('/var/log/old', { bornAtMs: nowMs - 10 * day })
    expect(warnings(settings, [file('/a'), old])).toEqual([
      '/var/log/old has lived for 10 d, and eu keeps segments for 7d: its beginning expires there; rotate it, or keep segments longer',
    ])
    expect(warnings(settings, [file('/a')])).toEqual([])
  })

  it('say that a source ships its own destination', () => {
    const settings = config({ destinations: [destination('eu', 'file:///srv/my%20logs')] })
    expect(warnings(settings, [file('/srv/my logs/segments/x')])).toEqual([
      expect.stringMatching(/is shipped again: exclude \/srv\/my logs\/\*\*$/),
    ])
    expect(warnings(settings, [file('/srv/my logs.txt')])).toEqual([])
  })

  it('say that logs could be read on their way, unless they never leave this machine', () => {
    const to = (endpoint: string, url = 's3://eu') =>
      config({ destinations: [{ ...destination('eu', url), endpoint }] })
    const plain = [
      'destination eu: http://minio:9000 is not encrypted: whoever is on the way can read the logs: use https://, with ca: for an authority of your own',
    ]
    expect(warnings(to('http://minio:9000'), [file('/a')])).toEqual(plain)
    const inUrl = config({ destinations: [destination('eu', 's3://eu?endpoint=http://minio:9000')] })
    expect(warnings(inUrl, [file('/a')])).toEqual(plain)
    for (const endpoint of ['https://minio:9000', 'http://127.0.0.1:9000', 'http://[::1]:9000', 'http://localhost'])
      expect(warnings(to(endpoint), [file('/a')])).toEqual([])
  })

  it('say that nothing goes to a destination, and that nothing comes from a source', () => {
    const settings = config({ destinations: [destination('eu', 's3://eu'), destination('us', 's3://us')] })
    expect(warnings(settings, [])).toEqual([
      'source app matches no file at present: check its include and exclude',
      'destination us gets nothing: no source names it under to:',
    ])
  })

  it('say which source takes the files of another', () => {
    const settings = config({ sources: [source('all', ['eu']), source('app', ['eu'])] })
    expect(warnings(settings, [file('/a', { source: 'all' })], true, [], new Map([['app', ['all']]]))).toEqual([
      'source app gets no file: its files are taken by source all, which is named first: name app before, or exclude them there',
    ])
  })

  it('say that the state directory belongs to another host', () => {
    expect(stateWarnings('/s', 'web-1', 'old')).toEqual([
      expect.stringMatching(/\/s belongs to host old, not to web-1/),
    ])
    expect([...stateWarnings('/s', 'web-1', 'web-1'), ...stateWarnings('/s', 'web-1', undefined)]).toEqual([])
  })

  it('say that a file system knows no birth times', () => {
    expect(warnings(config(), [file('/a', { bornAtMs: undefined })])).toEqual([
      expect.stringMatching(/^no birth time is known of 1 file \(\/a\)/),
    ])
  })

  it('I7: name a few of many unreadable files', () => {
    const unreadable = Array.from({ length: 1000 }, (_, at) => ({ path: `/p/${at}`, errno: 'EACCES' }))
    const told = warnings(config(), [file('/a')], true, unreadable)
    expect(told).toHaveLength(6)
    expect(told[5]).toBe('995 more cannot be read')
  })

  it('count for each destination only what is routed to it, and as live what changed within the hour', () => {
    const settings = config({
      sources: [source('app', ['eu']), source('db', ['eu', 'us'])],
      destinations: [destination('eu', 's3://eu'), destination('us', 's3://us')],
    })
    const files = [file('/a'), file('/b', { source: 'db', changedAtMs: nowMs - 3_600_001, bytes: 5 })]
    const { destinations } = assess(
      settings,
      { files, unreadable: [], takenBy: new Map() },
      { hasMachineId: true, nowMs, openFilesMax: 1_000 },
    )
    const old = config({ sources: [{ ...source('app', ['eu']), sinceMs: 7 * day }] })
    const ages = [file('/a'), file('/b', { changedAtMs: nowMs - 8 * day })]
    const machine = { hasMachineId: true, nowMs, openFilesMax: 1_000 }
    const { sources } = assess(old, { files: ages, unreadable: [], takenBy: new Map() }, machine)
    expect(sources).toMatchObject([{ files: 1, leftOut: 1, bytesPerDay: 10 }])
    expect(destinations.map(({ name, files, bytes, live }) => ({ name, files, bytes, live }))).toEqual([
      { name: 'eu', files: 2, bytes: 15, live: 1 },
      { name: 'us', files: 1, bytes: 5, live: 0 },
    ])
  })
})

function source(name: string, to: string[]): AgentConfig['sources'][number] {
  return {
    name,
    include: ['/x'],
    exclude: [],
    followSymlinks: false,
    copies: 'new-stream',
    to,
    sealAfterMs: 60_000,
    after: 'keep',
  }
}

function destination(name: string, url: string): AgentConfig['destinations'][number] {
  return { name, url, budget: { burst: 20, everyMs: 10_000 } }
}

/** Two logs, one of another kind, and a configuration for them. */
async function machine(): Promise<{ directory: string; file: string; logs: string }> {
  const directory = await tempDirectory('validate')
  const logs = join(directory, 'logs')
  await mkdir(logs)
  await writeFile(join(logs, 'a.log'), Buffer.alloc(1024))
  await writeFile(join(logs, 'b.log'), Buffer.alloc(2048))
  await writeFile(join(logs, 'c.log.xz'), Buffer.alloc(2048))
  const file = join(directory, 'agent.yaml')
  await writeFile(
    file,
    `host: web-1
state: /var/lib/test
machineId: "0123"
sources:
  - { name: app, include: ["${logs}/*.log*"], exclude: ["*.xz"] }
  - { name: empty, include: ["${logs}/none/*"], to: [eu] }
destinations:
  - { name: eu, url: "s3://acme-eu/prod" }
  - { name: nas, url: "file://${logs}/nas" }
`,
  )
  return { directory, file, logs }
}
