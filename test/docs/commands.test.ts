import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { contentsOf, holdingsOf } from '../scenarios/stored-content.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { hasOpenssl, makeAuthority } from '../support/tls.ts'
import { aws, awsScript, noAws } from './aws-program.ts'
import { emptyQueue } from './empty-queue.ts'
import { MovingPlace, type PlaceOptions } from './moving-place.ts'
import { PageToFollow } from './page-to-follow.ts'
import { freePort } from './port.ts'
import { isEndless, linesOf } from './shell-text.ts'

const log = '/var/log/nginx/access.log'
const text = Array.from({ length: 2_000 }, (_, at) => `GET /${at}\n`).join('')

/** A machine where web-1's log is in `acme-logs/prod`, sealed. */
async function withLog(options?: PlaceOptions, content = text): Promise<MovingPlace> {
  const place = await MovingPlace.open(options)
  await place.file(log, content)
  const to = '--to s3://acme-logs/prod --host web-1 --state /var/lib/web-1'
  await sh(place, `logcask ship ${log} ${to}`)
  return place
}

const hasCurl = spawnSync('curl', ['--version']).status === 0

const sh = (place: MovingPlace, script: string): Promise<string> => place.follow({ kind: 'sh', text: script })

function contents(place: MovingPlace, bucket = 'acme-logs', prefix = 'prod/'): string[] {
  const objects = [...holdingsOf(place.server.bucket(bucket))].map(([key, body]) => [key.slice(prefix.length), body])
  return [...contentsOf(new Map(objects as [string, Buffer][])).values()].map(({ content }) => content.toString())
}

function published(place: MovingPlace): boolean {
  const room = place.path('/srv/logs/web-1')
  return existsSync(room) && readdirSync(room, { recursive: true }).some((name) => String(name).includes('access.log~'))
}

/** The address of the page's server is one that is free here. */
async function atFreePort(place: MovingPlace): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`
  place.stands.set('127.0.0.1:8470', address).set('https://logs.example:8470', `http://${address}`)
  return address
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

const [archive, awsPage, farewell, fleet, format, webPage, server] = await Promise.all([
  PageToFollow.open('docs/archive.md'),
  PageToFollow.open('docs/aws.md'),
  PageToFollow.open('docs/farewell.md'),
  PageToFollow.open('docs/fleet.md'),
  PageToFollow.open('docs/format.md'),
  PageToFollow.open('docs/page.md'),
  PageToFollow.open('docs/server.md'),
])

describe('docs/archive.md, followed to the letter', { timeout: 300_000 }, () => {
  it('archived all the time, and by cron; held against a directory and another bucket', async () => {
    const place = await withLog()
    const objects = (): string[] => place.server.bucket('acme-archive').keys('logs/host=web-1/')
    const [always = '', byCron = ''] = linesOf(archive.take('or by cron').text)
    await place.follow({ kind: 'sh service', text: `exec ${always}` }, () => objects().length === 1)
    await sh(place, byCron)
    expect(objects()).toHaveLength(1)
    await sh(place, 'logcask sync --from s3://acme-logs/prod --to s3://acme-logs-us/prod --once')
    await sh(place, 'logcask compact --from s3://acme-logs/prod --to /srv/logs --once')
    await place.follow(archive.take('logcask verify'))
    expect(existsSync(join(place.root, 'verified.json'))).toBe(true)
  })

  const aBack = archive.take('aws s3 cp')
  it.skipIf(aws === undefined)(`a file back without Logcask${noAws}`, async () => {
    const place = await withLog({ programs: { aws: awsScript } })
    await sh(place, 'logcask compact --from s3://acme-logs/prod --archive s3://acme-archive/logs --once')
    const [key = ''] = place.server.bucket('acme-archive').keys('logs/host=web-1/')
    const [there = ''] = /logs\/host=\S+/.exec(aBack.text) ?? []
    const name = /^logs\/host=web-1\/date=\d{4}-\d\d-\d\d\/access\.log~\d{8}T\d{15}Z-[0-9a-z]+-\d+\.gz$/
    expect([there, key]).toEqual([expect.stringMatching(name), expect.stringMatching(name)])
    place.stands.set(there, key)
    expect(await place.follow(aBack)).toBe(text)
  })
})

describe('docs/aws.md, followed to the letter', { timeout: 300_000 }, () => {
  it('the configuration, and the first start', async () => {
    const place = await MovingPlace.open()
    await place.file('/var/log/syslog', text)
    const given = awsPage.take('host: "{aws_userid}"').text
    // There is no STS here.
    await place.follow({
      kind: 'yaml',
      text: `# /etc/logcask/agent.yaml\n${given.replace('{aws_userid}', '{hostname}')}`,
    })
    await sh(place, awsPage.take('systemctl enable --now logcask-agent').text)
    await sh(place, 'logcask wait /var/log/syslog --timeout 60s; systemctl stop logcask')
    expect(contents(place)).toEqual([text])
  })

  it('the disk of a machine that is gone', async () => {
    const credentials = "printf 'test\\ttesttest1\\ttoken\\n'"
    const place = await MovingPlace.open({ programs: { aws: credentials, mount: 'true' } })
    await deadDisk(place)
    await sh(place, awsPage.take('logcask ship --root').text)
    expect(place.server.bucket('acme-logs').keys('prod/segments/AROAEXAMPLE:i-0abc/')).toHaveLength(1)
    expect(contents(place)).toEqual([text])
  })
})

async function deadDisk(place: MovingPlace): Promise<void> {
  await place.file('/mnt/snap/etc/hostname', 'dead-1')
  await place.file('/mnt/snap/etc/machine-id', '0123456789abcdef0123456789abcdef')
  await place.file(`/mnt/snap${place.path('/var/log/app.log')}`, text)
}

describe('docs/farewell.md, followed to the letter', { timeout: 300_000 }, () => {
  it('a machine that goes: drained in order, after a spot notice, and by hand', async () => {
    const place = await MovingPlace.open({ programs: { aws: 'echo "$@" >> calls' } })
    await place.file(log, text)
    const settings =
      'sources: [{ name: nginx, include: ["/var/log/nginx/*.log"] }]\ndestinations: [{ url: "s3://acme-logs" }]\n'
    await place.follow({ kind: 'yaml', text: `# /etc/logcask/agent.yaml\n${settings}` })
    await sh(place, 'systemctl start logcask')
    await place.follow(farewell.take('logcask drain --timeout 50m'))
    expect(await readFile(place.path('/root/receipt.txt'), 'utf8')).toContain(`  acme-logs  ${place.path(log)}`)
    expect(contents(place, 'acme-logs', '')).toEqual([text])

    const spot = farewell.take('aws ec2 create-tags')
    place.env.INSTANCE = 'i-0abc'
    await place.file(`${log}.new.log`, `${text}more\n`)
    const allow = place.server.fault(() => faults.denied)
    await place.follow(spot)
    const tagged = 'ec2 create-tags --resources i-0abc --tags Key=logcask,Value=undelivered\n'
    expect(await readFile(join(place.root, 'calls'), 'utf8')).toBe(tagged)
    allow()
    await place.follow(spot)
    expect(await readFile(join(place.root, 'calls'), 'utf8')).toBe(tagged)
    expect(contents(place, 'acme-logs', '').sort()).toEqual([text, `${text}more\n`])

    await sh(place, 'systemctl start logcask')
    expect(await place.follow(farewell.take('may go'))).toContain('may go\n')
  })

  it('its disk', async () => {
    const place = await MovingPlace.open({ programs: { mount: 'true' } })
    await deadDisk(place)
    await place.follow(farewell.take('logcask ship --root'))
    expect(contents(place)).toEqual([text])
  })
})

it('docs/fleet.md, followed to the letter: a directory and an archive by events, and what rest costs', async () => {
  const place = await withLog()
  const queues = [await emptyQueue(), await emptyQueue()] as const
  const [toDirectory = '', toArchive = '', dryRun = ''] = linesOf(fleet.take('logcask compact').text)
  place.stands
    .set('https://sqs.eu-central-1.amazonaws.com/123456789012/logs', queues[0].url)
    .set('archive?region', `archive?endpoint=${new URL(queues[1].url).origin}&region`)
  await place.follow(
    { kind: 'sh service', text: `exec ${toDirectory}` },
    () => published(place) && queues[0].receives() > 0,
  )
  const archived = (): boolean => place.server.bucket('acme-archive').keys('logs/host=web-1/').length > 0
  await place.follow({ kind: 'sh service', text: `exec ${toArchive}` }, () => archived() && queues[1].receives() > 0)
  expect(await sh(place, dryRun)).toMatch(/polling[\s\S]*events/)
})

const byHand = format.take('aws s3 cp')
it.skipIf(aws === undefined)(
  `docs/format.md: a file back without any reader${noAws}`,
  { timeout: 120_000 },
  async () => {
    const place = await withLog({ programs: { aws: awsScript } })
    const [key = ''] = place.server.bucket('acme-logs').keys('prod/segments/web-1/')
    place.stands
      .set('BUCKET', 'acme-logs/prod')
      .set('HOST', 'web-1')
      .set('STREAM', key.split('/')[3] ?? '')
    expect(await sh(place, byHand.text)).toContain(text)
  },
)

it('docs/page.md, followed to the letter', { timeout: 120_000 }, async () => {
  const place = await withLog()
  const address = await atFreePort(place)
  const [line = ''] = linesOf(webPage.take('logcask serve').text)
  expect(isEndless(line)).toBe(true)
  const shows = async (): Promise<boolean> => published(place) && (await answers(`http://${address}/`))
  await place.follow({ kind: 'sh service', text: `exec ${line} --listen ${address}` }, shows)
})

describe('docs/server.md, followed to the letter', { timeout: 300_000 }, () => {
  const [serve = '', ask = ''] = linesOf(server.take('curl http://127.0.0.1:8470/api/v1/hosts\n').text)
  const [, download = '', , follow = ''] = server.take('curl -C -').text.split('\n')
  const [token = '', ...ours] = linesOf(server.take('--range 1MiB-2MiB').text.replace('…', ''))
  it.skipIf(!hasCurl)(`asked by curl, and by our own commands${hasCurl ? '' : ' (not run: no curl)'}`, async () => {
    const long = text.repeat(150)
    const place = await withLog({}, long)
    const address = await atFreePort(place)
    const [key = ''] = place.server.bucket('acme-logs').keys('prod/segments/web-1/')
    place.env.ID = key.split('/')[3] ?? ''
    const isUp = (): Promise<boolean> => answers(`http://${address}/readyz`)
    await place.whileRuns(`exec ${serve} --listen ${address}`, isUp, async () => {
      expect(JSON.parse(await sh(place, `${ask} 2>/dev/null`))).toMatchObject({ hosts: [{ host: 'web-1' }] })

      await place.file('/access.log', long.slice(0, 1_000))
      await sh(place, download)
      expect(await readFile(join(place.root, 'access.log'), 'utf8')).toBe(long)
      // Over when all is there: what follows does not end by itself.
      await sh(place, untilOutput(follow, 'followed', text.slice(-1_000)))

      const [ls = '', range = '', following = ''] = ours
      expect(isEndless(following)).toBe(true)
      expect(await sh(place, `${token}\n${ls}`)).toContain('access.log')
      await sh(place, `${token}\n${range} > range`)
      expect(await readFile(join(place.root, 'range'), 'utf8')).toBe(long.slice(1024 ** 2, 2 * 1024 ** 2))
      await sh(place, untilOutput(following, 'ours', text.slice(-1_000)))
    })
  })

  const settings = server.take('clientCa').text
  it.skipIf(!hasOpenssl)(
    `its configuration is what serve --check takes${hasOpenssl ? '' : ' (not run: no openssl)'}`,
    async () => {
      const place = await MovingPlace.open()
      const authority = await makeAuthority('page')
      onTestFinished(() => authority.remove())
      const { certFile, keyFile } = await authority.issue('logs.example')
      await place.file('/etc/logcask/server.yaml', place.here(settings))
      await copyFile(certFile, place.path('/etc/logcask/server.crt'))
      await copyFile(keyFile, place.path('/etc/logcask/server.key'))
      await copyFile(authority.certFile, place.path('/etc/logcask/clients.crt'))
      expect(settings).toContain('# /etc/logcask/server.yaml; logcask serve --check says what is wrong')
      expect(await sh(place, 'logcask serve --check -c /etc/logcask/server.yaml')).toContain('nothing is wrong')
    },
  )
})

/** A command that goes on for ever, until its output ends with these bytes. */
function untilOutput(line: string, name: string, end: string): string {
  return `cat > ${name}.end <<'EOF'\n${end}EOF
( ${line} ) > ${name}.out 2> ${name}.err &
until tail -c ${Buffer.byteLength(end)} ${name}.out | cmp -s - ${name}.end; do kill -0 $! || exit 1; sleep 0.1; done
pkill -P $! || true; kill $! 2>/dev/null || true`
}

it('no command of these pages is left out', () => {
  for (const page of [archive, awsPage, farewell, fleet, format, webPage, server])
    expect(page.left('test/docs/commands.test.ts')).toEqual([])
})
