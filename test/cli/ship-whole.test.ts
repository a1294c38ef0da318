import { mkdir, open, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { logcask } from '../scenarios/logcask-process.ts'
import { holdingsBelow, holdingsOf } from '../scenarios/stored-content.ts'
import { faultS3 } from '../support/fault-s3-fixture.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const hourly = 'haproxy-20130704T0000Z-us-west-2-i-ae23fega.log'
const key = `haproxy/2013/07/04/${hourly}`
const template = '{prefix}/{year}/{month}/{day}/{filename}'

async function stage() {
  const directory = await tempDirectory()
  const logs = join(directory, 'logs')
  await mkdir(logs)
  const store = join(directory, 'store')
  const write = async (name: string, text: string, quietSeconds = 60): Promise<void> => {
    await writeFile(join(logs, name), text)
    const at = new Date(Date.now() - quietSeconds * 1000)
    await utimes(join(logs, name), at, at)
  }
  const ship = (...more: string[]) =>
    logcask(['ship', logs, '--state', join(directory, 'state'), '--host', 'web-1', ...more])
  const names = async (): Promise<string[]> =>
    [...(await holdingsBelow(store)).keys()].filter((name) => !/^probes\/|\.meta\/|^\.logcask/.test(name)).sort()
  return { directory, logs, store, to: ['--to', `file://${store}`], write, ship, names }
}

const thisHour = (): string => `${new Date().toISOString().slice(0, 13).replaceAll('-', '')}Z`

describe('ship --as', () => {
  it('delivers logjam’s files as logjam’s manual has it, to S3, and not the hour that goes on', async () => {
    const { write, ship, logs } = await stage()
    const server = await faultS3()
    await write(hourly, 'one\ntwo\n')
    await write(`haproxy-${thisHour()}.log`, 'so far')
    const to = ['--to', `s3://bucket/${template}`, '--endpoint', server.endpoint, '--compress', 'gzip']
    const first = await ship(...to, '--receipt')
    expect(first.stderr).toContain('1 object sent · 1 file not due yet')
    expect(first.code).toBe(0)
    expect(first.stdout.toString()).toBe(`8  ${sha256(Buffer.from('one\ntwo\n'))}  bucket  ${join(logs, hourly)}\n`)
    const stored = [...holdingsOf(server.objects)].filter(([name]) => !name.startsWith('probes/'))
    expect(stored.map(([name, body]) => [name, gunzipSync(body).toString()])).toEqual([[`${key}.gz`, 'one\ntwo\n']])
    const before = server.requests.filter(({ operation }) => operation === 'PutObject').length
    const again = await ship(...to, '--json')
    expect(JSON.parse(again.stdout.toString())).toMatchObject({ length: 8, keys: { bucket: `${key}.gz` } })
    // One duplicate for the remembered probe, and none for the file.
    expect(server.requests.filter(({ operation }) => operation === 'PutObject').length).toBe(before + 1)
  })

  it('exit 75: a file that is being written is not sent, and is said', async () => {
    const { write, ship, to, logs, names } = await stage()
    await write('app.log', 'live')
    await write(hourly, 'x')
    const handle = await open(join(logs, 'app.log'), 'a')
    try {
      const { code, stderr } = await ship(...to, '--as', template)
      expect(stderr).toMatch(/app\.log: not sent: a process has it open for writing/)
      expect(code).toBe(75)
      expect(await names()).toEqual([key])
    } finally {
      await handle.close()
    }
  })

  it('exit 3: other content has the name', async () => {
    const { write, ship, to, names } = await stage()
    await write(hourly, 'ours')
    expect((await ship(...to, '--as', template)).code).toBe(0)
    await write(hourly, 'ours, and more')
    const { code, stderr } = await ship(...to, '--as', template)
    expect(stderr).toContain('had been delivered, and has other content now')
    expect(code).toBe(3)
    expect(await names()).toEqual([key, `${key}.${sha256(Buffer.from('ours, and more')).slice(0, 16)}`])
  })

  it('a run is about the files that it is given, whatever runs before it were given', async () => {
    const { directory, logs, write, to, names } = await stage()
    await mkdir(join(logs, 'archive'))
    await write(`archive/${hourly}`, 'older')
    await write('haproxy-20130705T0000Z.log', 'newer')
    const state = ['--state', join(directory, 'state'), '--host', 'web-1', '--as', '{filename}', '--receipt']
    expect((await logcask(['ship', join(logs, 'archive'), ...to, ...state])).code).toBe(0)
    const other = join(directory, 'other')
    const { code, stdout, stderr } = await logcask(['ship', join(logs, '*.log'), '--to', `file://${other}`, ...state])
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('1 file · 5 B') })
    expect(stdout.toString().trim().split('\n')).toEqual([expect.stringMatching(/haproxy-20130705T0000Z\.log$/)])
    expect([...(await holdingsBelow(other)).keys()].filter((name) => name.endsWith('.log'))).toEqual([
      'haproxy-20130705T0000Z.log',
    ])
    expect(await names()).toEqual([hourly])
  })

  it('--dry-run shows names, and asks nobody', async () => {
    const { write, ship, to, logs, names } = await stage()
    await write(hourly, 'one')
    const { code, stdout } = await ship(...to, '--as', '{labels.team}/{filename}', '--label', 'team=web', '--dry-run')
    expect(stdout.toString()).toBe(`3  ${join(logs, hourly)}  web/${hourly}\n`)
    expect(code).toBe(0)
    await write('packed.log.gz', 'p')
    const packed = await ship(...to, '--as', '{filename}', '--compress', 'zstd', '--dry-run')
    const shown = packed.stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('  ')[2])
    expect(shown.sort()).toEqual([`${hourly}.zst`, 'packed.log.gz'])
    expect(await names()).toEqual([])
  })

  it.each<[string[], string, string]>([
    [['--as', '{prefix}/{year}'], 'holds neither {filename} nor {path}', '{prefix}/{year}/{filename}'],
    [['--as', '../{filename}'], 'leads out of the prefix', '..'],
    [['--as', '{filenam}'], 'did you mean {filename}?', '{path}'],
    [['--as', '{prefix}/{month}{/{day}/{filename}'], 'stands alone', '{prefix}/{month}/{day}/{filename}'],
    [['--as', '{atime}/{filename}'], 'another at every look', 'leave it out'],
    [['--compress', 'gzip'], 'files that are delivered whole', '--as {path}'],
    [['--as', '{filename}', '--compress', 'gzipp'], 'did you mean gzip?', 'zstd'],
    [['--as', '{filename}', '--period', 'hourly'], '--period hourly: cannot be read', '1h'],
    [['--as', '{filename}', '--period', '0s'], '--period 0s: cannot be read', '1h'],
    [['--as', '{filename}', '--label', 'team'], '--label team: is no label', 'service=web'],
    [['--as', '{filename}', '--to', 's3://b/{path}'], 'both {filename} and {path}', 'one template'],
  ])('exit 2: %j', async (options, problem, hint) => {
    const { ship, to, write } = await stage()
    await write(hourly, 'x')
    const { code, stderr } = await ship(...to, ...options)
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
    expect(stderr).toContain(hint)
  })
})
