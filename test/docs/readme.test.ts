import { existsSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { contentsOf, holdingsOf } from '../scenarios/stored-content.ts'
import { type FaultS3, startFaultS3 } from '../support/fault-s3.ts'
import { aws, awsScript, noAws } from './aws-program.ts'
import { emptyQueue } from './empty-queue.ts'
import { checkout } from './known-words.ts'
import { MovingPlace } from './moving-place.ts'
import { PageToFollow } from './page-to-follow.ts'
import { freePort } from './port.ts'
import { isEndless, linesOf } from './shell-text.ts'

const readme = await PageToFollow.open('README.md')

function lines(name: string, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, at) => `${name} line ${at}\n`).join(''))
}

/** What a bucket has, whatever the streams are called. */
function contents(server: FaultS3, bucket: string): string[] {
  const objects = [...holdingsOf(server.bucket(bucket))]
  const holdings = new Map(objects.map(([key, body]) => [key.replace(/^.*?(?=segments\/)/, ''), body]))
  return [...contentsOf(holdings).values()].map(({ content }) => content.toString()).sort()
}

function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
}

/** The second bucket of the page is in another region, where another profile is let in. */
async function withSecondRegion(place: MovingPlace): Promise<FaultS3> {
  const us = await startFaultS3({ region: 'us-east-1', buckets: ['acme-logs-us'] })
  onTestFinished(() => us.close())
  place.stands.set('s3://acme-logs-us/prod/"', `s3://acme-logs-us/prod/?endpoint=${us.endpoint}"`)
  place.stands.set('s3://acme-logs-us/prod?', `s3://acme-logs-us/prod?endpoint=${us.endpoint}&`)
  await place.file(
    '/root/.aws/config',
    '[profile us]\naws_access_key_id = test\naws_secret_access_key = testtest1\nregion = us-east-1\n',
  )
  place.env.AWS_CONFIG_FILE = place.path('/root/.aws/config')
  return us
}

describe('README.md, followed to the letter', { timeout: 300_000 }, () => {
  const { text } = readme.take('LOGCASK=$(git')
  // npm brings it along on Linux.
  const hasNode = existsSync(join(checkout, 'node_modules/.bin/node'))
  it.skipIf(!hasNode)(
    `the command, in a checkout${hasNode ? '' : ' (not run: no node_modules/.bin/node)'}`,
    async () => {
      const place = await MovingPlace.open()
      const script = `cd '${checkout}'\n${text}cd /srv/\nlogcask --version`
      expect(await place.follow({ kind: 'sh', text: script })).toMatch(/^\d+\.\d+\.\d+/)
    },
  )

  it('first steps: two directories, a bucket, a store of one’s own', async () => {
    const place = await MovingPlace.open({ buckets: ['acme-logs', 'logs'] })
    place.stands.set('http://127.0.0.1:7070', place.server.endpoint)
    await place.file('/var/log/nginx/access.log', lines('access', 300))
    const follow = (words: string) => place.follow(readme.take(words))
    const said = await follow('file:///mnt/usb/logs')
    expect(said).toContain(lines('access', 300).toString().split('\n').slice(-11).join('\n'))
    for (const store of ['nas', 'usb'])
      expect(filesBelow(place.path(`/mnt/${store}/logs/segments/${hostname()}`))).not.toEqual([])
    expect(await follow('logcask doctor')).toContain('a second PUT was refused, body unchanged')
    expect(contents(place.server, 'acme-logs')).toEqual([lines('access', 300).toString()])
    await follow('127.0.0.1:7070')
    expect(contents(place.server, 'logs')).toEqual([lines('access', 300).toString()])
  })

  it('all the time: a configuration for two regions, the agent, compactors, a server, events, an archive', async () => {
    const place = await MovingPlace.open({ buckets: ['acme-logs-eu', 'acme-archive'] })
    const us = await withSecondRegion(place)
    const { url: queue, receives } = await emptyQueue()
    place.stands.set('https://sqs.eu-west-1.amazonaws.com/123456789012/logs', queue)
    const address = `127.0.0.1:${await freePort()}`
    const files = { '/var/log/syslog': lines('syslog', 400), '/var/log/syslog.1': lines('older', 500) }
    for (const [path, content] of Object.entries(files)) await place.file(path, content)
    const written = Object.values(files).map(String).sort()

    await place.follow(readme.take('rate: 20MB/s'))
    const published = (): boolean => filesBelow(place.path('/srv/logs')).some((path) => path.includes('/syslog~'))
    const isDelivered = (): boolean =>
      [place.server.bucket('acme-logs-eu'), us.bucket('acme-logs-us')].every(
        (objects) => objects.keys('prod/segments/').length === 2,
      )
    const isDone = (line: string): boolean => {
      if (line.includes('--archive')) return place.server.bucket('acme-archive').keys('logs/host=').length > 0
      return published() && (!line.includes('--events') || receives() > 0)
    }
    const [validate = '', agent = '', status = '', why = '', ...compactors] = linesOf(
      readme.take('logcask validate -c').text,
    )
    await place.follow({ kind: 'sh', text: validate })
    await place.whileRuns(`exec ${agent}`, isDelivered, async () => {
      expect(await place.follow({ kind: 'sh', text: status })).toContain('acme-logs-us/prod')
      expect(await place.follow({ kind: 'sh', text: why })).toContain('syslog.1')
    })
    // Of an archive only what is sealed is made.
    await place.follow({ kind: 'sh', text: 'logcask drain -c agent.yaml' })
    for (const line of compactors) {
      expect(isEndless(line)).toBe(true)
      await place.follow({ kind: 'sh', text: 'rm -rf /srv/logs/' })
      const text = line.includes('serve') ? `${line} --listen ${address}` : line
      await place.follow({ kind: 'sh service', text: `exec ${text}` }, () => isDone(line))
    }
    expect(contents(place.server, 'acme-logs-eu')).toEqual(written)
    expect(contents(us, 'acme-logs-us')).toEqual(written)
  })

  it('and also: whole files, a pipe, a dead disk, drain, wait, many files, verify and sync', async () => {
    const place = await MovingPlace.open({
      buckets: ['acme-logs', 'acme-logs-eu'],
      programs: { 'long-job': 'echo begun; echo done', mount: 'true' },
    })
    const us = await withSecondRegion(place)
    const hour = '20130704T0000'
    const whole = `haproxy-${hour}Z-us-west-2-i-ae23fega.log`
    await place.file(`/var/log/haproxy/${whole}`, lines('whole', 200))
    await place.longAgo(`/var/log/haproxy/${whole}`)
    await place.file('/mnt/snap/etc/hostname', 'dead-1')
    await place.file('/mnt/snap/etc/machine-id', '0123456789abcdef0123456789abcdef')
    await place.file(`/mnt/snap${place.path('/var/log/app.log')}`, lines('rescued', 100))
    await place.file('/root/web-1/access.log', lines('GET 500 ', 10))
    await place.follow({
      kind: 'sh',
      text: 'logcask ship /root/web-1/ --host web-1 --state /srv/web-1 --to s3://acme-logs',
    })
    await place.file('/var/log/app.log', lines('app', 50))
    const app = 'sources: [{ name: app, include: ["/var/log/app.log"] }]\n'
    const to = (...all: string[]): string => `${app}destinations: [${all.join(', ')}]\n`
    const [eu, second] = [
      '{ url: "s3://acme-logs-eu/prod/" }',
      '{ url: "s3://acme-logs-us/prod/", region: us-east-1, profile: us }',
    ]
    await place.follow({ kind: 'yaml', text: `# agent.yaml\n${to(eu, second)}` })
    await place.follow({ kind: 'yaml', text: `# /etc/logcask/agent.yaml\n${to('{ url: "s3://acme-logs" }')}` })

    // The agent for which `wait` waits; a drain wants none.
    const wait = 'logcask wait '
    const { text } = readme.take('long-job |')
    const [before, after] = [text.slice(0, text.indexOf(wait)), text.slice(text.indexOf(wait))]
    await place.follow({ kind: 'sh', text: before })
    await place.follow({ kind: 'sh', text: 'systemctl start logcask' })
    const said = await place.follow({ kind: 'sh', text: after })

    const objects = place.server.bucket('acme-logs')
    const key = `haproxy/2013/07/04/${whole}.gz`
    expect(gunzipSync(objects.body(key) ?? '').equals(lines('whole', 200))).toBe(true)
    expect(contents(place.server, 'acme-logs')).toEqual(
      expect.arrayContaining(['begun\ndone\n', lines('rescued', 100).toString(), lines('app', 50).toString()]),
    )
    expect(objects.keys('segments/dead-1/')).toHaveLength(1)
    expect(said).toContain(lines('GET 500 ', 10).toString())
    expect(said).toMatch(/^web-1:\S+:10$/m)
    expect(contents(place.server, 'acme-logs-eu')).toEqual([lines('app', 50).toString()])
    expect(contents(us, 'acme-logs-us')).toEqual([lines('app', 50).toString()])
    expect(existsSync(join(place.root, 'verified.json'))).toBe(true)
  })

  const { text: aBack } = readme.take('aws s3 cp')
  it.skipIf(aws === undefined)(`a file back without Logcask${noAws}`, async () => {
    const place = await MovingPlace.open({ buckets: ['acme-logs-eu'], programs: { aws: awsScript } })
    await place.file('/var/log/app.log', lines('app', 3_000))
    const ship = 'logcask ship /var/log/app.log --to s3://acme-logs-eu/prod --host web-1'
    await place.follow({ kind: 'sh', text: ship })
    const [key = ''] = place.server.bucket('acme-logs-eu').keys('prod/segments/web-1/')
    place.stands.set('<host>', 'web-1').set('<stream>', key.split('/')[3] ?? '')
    expect(await place.follow({ kind: 'sh', text: aBack })).toContain(lines('app', 3_000).toString())
  })

  it('leaves no command out', () => {
    expect(readme.left('test/docs/readme.test.ts')).toEqual([])
  })
})
