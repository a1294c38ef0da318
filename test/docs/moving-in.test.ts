import { readdirSync, statSync } from 'node:fs'
import { link, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compareWithFiles, holdingsBelow, holdingsOf } from '../scenarios/stored-content.ts'
import { checkout, loadKnown, problemOf } from './known-words.ts'
import { MovingPlace } from './moving-place.ts'
import { type Block, blocksBelow, cronCommands, headingsOf } from './page.ts'
import { spansOf } from './promise-table.ts'

const page = await readFile(join(checkout, 'docs/moving-in.md'), 'utf8')
const [introduction] = page.split(/^## /m)
const nothingWrong = { lost: 0, doubled: 0, different: [] }

function lines(name: string, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, at) => `${name} line ${at}\n`).join(''))
}

/** Files that are streams: path on the page → content, written and looked for. */
async function withLogs(place: MovingPlace, logs: Readonly<Record<string, number>>): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const [path, count] of Object.entries(logs)) {
    const content = lines(path, count)
    await place.file(path, content)
    files.set(place.path(path), content)
  }
  return files
}

/** What a store has below a prefix, by keys without it. */
function below(place: MovingPlace, bucket: string, prefix = ''): Map<string, Buffer> {
  return new Map(
    [...holdingsOf(place.server.bucket(bucket))]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, body]) => [key.slice(prefix.length), body]),
  )
}

async function followAll(place: MovingPlace, heading: string, isServed?: () => boolean): Promise<string[]> {
  const said: string[] = []
  for (const block of blocksBelow(page, heading)) said.push(await place.follow(block, isServed))
  return said
}

describe('docs/moving-in.md, followed to the letter', { timeout: 240_000 }, () => {
  it('shaftlog: its whole configuration, to two buckets; its hard links are left out, the old names are kept', async () => {
    const place = await MovingPlace.open()
    const files = await withLogs(place, {
      '/var/log/messages': 900,
      '/var/log/messages-20261115': 300,
      '/var/log/cron': 20,
      '/var/log/maillog': 20,
      '/var/log/secure': 40,
      '/var/log/yum.log': 3,
      '/var/log/audit/audit.log': 500,
      '/var/log/audit/audit.log.1': 500,
      '/var/log/dmesg': 70,
      '/var/log/cloud-init.log': 9,
    })
    for (const name of ['log', 'stderr', 'stdin', 'stdout', 'timing', 'ttyin', 'ttyout'])
      for (const [path, content] of await withLogs(place, { [`/var/log/sudo-io/00/00/01/${name}`]: 5 }))
        files.set(path, content)
    await place.file('/var/log/messages-20261108.gz', gzipSync('delivered by shaftlog long ago'))
    await place.file('/var/log/shaftlog-client/.keep', '')
    await link(place.path('/var/log/messages'), place.path('/var/log/shaftlog-client/messages.1795000000000'))
    await place.file('/var/log/shaftlog-server/web-9/messages.1700000000000', lines('gone', 50))

    await followAll(place, 'From shaftlog')

    const logOfLogcask = statSync(place.path('/var/log/logcask.log')).size
    for (const bucket of ['acme-logs', 'acme-logs-us']) {
      const { lost, doubled, different } = compareWithFiles(files, below(place, bucket))
      expect({ lost, different }).toEqual({ lost: 0, different: [] })
      // Its own log is a source as well.
      expect(doubled).toBeLessThanOrEqual(logOfLogcask)
    }
    const published = [...(await holdingsBelow(place.path(`/srv/logs/${hostname()}`))).keys()]
    expect(published).toContainEqual(expect.stringMatching(/^messages\.\d{13}~/))
    expect(published).toContainEqual(expect.stringMatching(/^sudo-io\/00\/00\/01\/ttyout~/))
    expect(published.filter((name) => !name.startsWith('logcask.'))).toHaveLength(files.size)
    expect(below(place, 'acme-archive', 'segments/web-9/').size).toBe(1)
  })

  it('Log Hamster: the two streams, one as it grows, one of complete files; output by label', async () => {
    const place = await MovingPlace.open()
    const files = await withLogs(place, { '/var/log/messages': 700, '/var/log/messages.1': 600 })
    const packed = gzipSync(lines('sip', 400))
    await place.file('/var/log/sipproxyd/backup/sip.log.1.gz', packed)
    await place.file('/var/log/sipproxyd/backup/sip.log.2.gz', gzipSync('older'))
    await place.longAgo('/var/log/sipproxyd/backup/sip.log.1.gz', '/var/log/sipproxyd/backup/sip.log.2.gz')

    const said = await followAll(place, 'From Log Hamster')

    expect(compareWithFiles(files, below(place, 'acme-logs'))).toMatchObject(nothingWrong)
    const whole = below(place, 'acme-logs', `files/${hostname()}/sipproxyd/`)
    expect([...whole.keys()].sort()).toEqual(['sip.log.1.gz', 'sip.log.2.gz'])
    expect(whole.get('sip.log.1.gz')?.equals(packed)).toBe(true)
    const published = [...(await holdingsBelow(place.path(`/srv/logs/${hostname()}/message`))).keys()]
    expect(published.map((name) => name.replace(/~.*/, '')).sort()).toEqual(['messages', 'messages.1'])
    expect(said.at(-1)).toContain('0 objects sent · 2 already there')
  })

  it('logjam: from cron, as a daemon, and what it has left; the names and the objects that are there stay', async () => {
    const place = await MovingPlace.open()
    const directory = '/var/log/my-log-dir'
    const name = (hour: string): string => `haproxy-${hour}Z-us-west-2-i-ae23fega.log`
    const key = (hour: string): string => `haproxy/2013/07/04/${name(hour)}.gz`
    // Uploaded by logjam; in its archive, not uploaded; complete; and the hour that is.
    const [old, left, ...complete] = ['20130704T0000', '20130704T0100', '20130704T0200', '20130704T0300']
    place.server.bucket('acme-logs').put(key(old!), gzipSync(lines(old!, 300), { level: 9 }))
    await place.file(`${directory}/archive/${name(old!)}.gz`, gzipSync(lines(old!, 300), { level: 1 }))
    await place.file(`${directory}/archive/${name(left!)}.gz`, gzipSync(lines(left!, 300)))
    for (const hour of complete) await place.file(`${directory}/${name(hour)}`, lines(hour, 300))
    await place.longAgo(...complete.map((hour) => `${directory}/${name(hour)}`))
    const live = `${directory}/${name(`${new Date().toISOString().slice(0, 13).replaceAll('-', '')}00`)}`
    await place.file(live, lines('live', 10))

    const namesIn = (path: string): string[] => readdirSync(place.path(path)).sort()
    // What is being moved has two names for a moment.
    const isMoved = (): boolean => namesIn(`${directory}/archive`).length === 4 && namesIn(directory).length === 2
    const said = await followAll(place, 'From logjam', isMoved)

    const objects = below(place, 'acme-logs', 'haproxy/')
    const hours = [old!, left!, ...complete]
    expect([...objects.keys()].sort()).toEqual(hours.map((hour) => key(hour).slice('haproxy/'.length)))
    for (const hour of hours)
      expect(gunzipSync(objects.get(key(hour).slice('haproxy/'.length)) ?? '').equals(lines(hour, 300))).toBe(true)
    expect(said.filter((text) => text.includes('0 objects sent · 4 already there'))).toHaveLength(1)
    expect(namesIn(directory)).toEqual(['archive', live.slice(directory.length + 1)])
    // As a stream it is there before its hour is over.
    const files = new Map([[place.path(live), lines('live', 10)]])
    expect(compareWithFiles(files, below(place, 'acme-logs', 'streams/'))).toMatchObject(nothingWrong)
  })

  it('Fluent Bit: the same files, the rotated ones included, as bytes', async () => {
    const place = await MovingPlace.open()
    const files = await withLogs(place, {
      '/var/log/nginx/access.log': 800,
      '/var/log/nginx/access.log.1': 700,
      '/var/log/nginx/error.log': 8,
    })
    await followAll(place, "From Fluent Bit's tail and S3")
    expect(compareWithFiles(files, below(place, 'acme-logs', 'logcask/'))).toMatchObject(nothingWrong)
  })

  it('aws s3 sync: what it uploaded whole is recognised; what grows and is renamed is sent once', async () => {
    const place = await MovingPlace.open()
    const files = await withLogs(place, { '/var/log/app/app.log': 800, '/var/log/app/app.log-20261120': 700 })
    place.server.bucket('acme-logs').put('web-1/app.log-20261120', lines('/var/log/app/app.log-20261120', 700))
    await place.longAgo('/var/log/app/app.log-20261120')
    const said = await followAll(place, 'From a cron job with aws s3 sync')
    expect(compareWithFiles(files, below(place, 'acme-logs', 'streams/'))).toMatchObject(nothingWrong)
    expect([...below(place, 'acme-logs', 'web-1/').keys()]).toEqual(['app.log-20261120'])
    expect(said.join('\n')).toContain('0 objects sent · 1 already there')
  })

  it('the first question to a store, before all others', async () => {
    const place = await MovingPlace.open()
    const [block] = blocksBelow(`## Start\n${introduction}`, 'Start')
    expect(await place.follow(block!)).toContain('a second PUT was refused, body unchanged')
  })
})

describe('the page', () => {
  it('has nothing that no test follows', () => {
    expect(headingsOf(page)).toEqual([
      'From shaftlog',
      'From Log Hamster',
      'From logjam',
      "From Fluent Bit's tail and S3",
      'From a cron job with aws s3 sync',
    ])
  })

  it('names no setting, command or option that is not there', async () => {
    const known = await loadKnown()
    const tables = page.split('\n').filter((line) => line.startsWith('| '))
    const ours = tables
      .flatMap((line) => spansOf(line.split('|')[2] ?? ''))
      .filter((span) => /^logcask |\[\]|^--/.test(span))
    expect(ours.length).toBeGreaterThan(30)
    const problems = ours.map((span) => problemOf(span.startsWith('--') ? `logcask ship ${span}` : span, known))
    expect(problems.filter((one) => one !== undefined)).toEqual([])
  })

  it('a line that is no line of cron, and a block that nobody knows, are found', async () => {
    expect(() => cronCommands('10 * * * * * root logcask ship a')).toThrow('no line of /etc/cron.d')
    const block: Block = { kind: 'perl', text: '' }
    await expect((await MovingPlace.open()).follow(block)).rejects.toThrow('perl')
  })
})
