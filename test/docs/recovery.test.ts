import { copyFile, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { contentsOf, type Holdings, holdingsBelow, holdingsOf } from '../scenarios/stored-content.ts'
import { checkout, loadKnown, problemOf } from './known-words.ts'
import { MovingPlace } from './moving-place.ts'
import { blocksBelow, headingsOf } from './page.ts'

const page = await readFile(join(checkout, 'docs/recovery.md'), 'utf8')
const buckets = ['acme-logs', 'acme-logs-us'] as const

const settings = `# /etc/logcask/agent.yaml
sources: [{ name: app, include: ["/var/log/*.log*"], sealAfter: 1s }]
scanInterval: 1s
destinations: [{ url: "s3://acme-logs" }, { url: "s3://acme-logs-us" }]
`

function lines(name: string, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, at) => `${name} line ${at}\n`).join(''))
}

/** A machine whose agent has delivered two files to two buckets; one of them is no longer there. */
class Delivered {
  readonly place: MovingPlace
  readonly files = new Map<string, Buffer>()

  private constructor(place: MovingPlace) {
    this.place = place
  }

  static async open(): Promise<Delivered> {
    const delivered = new Delivered(await MovingPlace.open())
    const { place } = delivered
    await delivered.write('/var/log/app.log', lines('app', 800))
    await delivered.write('/var/log/gone.log', lines('gone', 500))
    await place.follow({ kind: 'yaml', text: settings })
    await delivered.sh('systemctl start logcask')
    await delivered.sh('logcask wait /var/log/app.log /var/log/gone.log --timeout 60s')
    await rm(place.path('/var/log/gone.log'))
    return delivered
  }

  async write(path: string, content: Buffer): Promise<void> {
    await this.place.file(path, content)
    this.files.set(this.place.path(path), content)
  }

  sh(text: string): Promise<string> {
    return this.place.follow({ kind: 'sh', text })
  }

  /** The commands below a heading, in their order. */
  async follow(heading: string): Promise<string[]> {
    const said: string[] = []
    for (const block of blocksBelow(page, heading)) said.push(await this.place.follow(block))
    return said
  }

  /** Streams hold what was written, each once, whatever they are called. */
  expectStreams(holdings: Holdings): void {
    const found = [...contentsOf(holdings).values()].map(({ content }) => content)
    this.#expectAll(found)
  }

  /** The same of complete files in a directory. */
  async expectPublished(): Promise<void> {
    this.#expectAll([...(await holdingsBelow(this.place.path('/srv/logs'))).values()])
  }

  expectBuckets(): void {
    for (const name of buckets) this.expectStreams(holdingsOf(this.place.server.bucket(name)))
  }

  #expectAll(found: readonly Uint8Array[]): void {
    const digests = (all: Iterable<Uint8Array>): string[] =>
      [...all].map((one) => `${one.byteLength} ${sha256(one)}`).sort()
    expect(digests(found)).toEqual(digests(this.files.values()))
  }

  empty(name: string): void {
    const objects = this.place.server.bucket(name)
    for (const key of objects.keys()) objects.remove(key)
  }
}

describe('docs/recovery.md, followed to the letter', { timeout: 300_000 }, () => {
  it('a backup, an agent without its state, a server without its disk', async () => {
    const site = await Delivered.open()
    await site.follow('A backup of a bucket')
    site.expectStreams(await holdingsBelow(site.place.path('/srv/backup')))

    await site.write('/var/log/app.log', lines('app', 1_000))
    await site.follow("An agent's state is lost")
    site.expectBuckets()

    await site.sh('systemctl stop logcask; logcask compact --from s3://acme-logs --to /srv/logs --once')
    await site.follow("The server's disk is lost")
    await site.expectPublished()

    const [said = ''] = await site.follow('Without any of our programs')
    const keys = site.place.server.bucket('acme-logs').keys(`segments/${hostname()}/`)
    for (const room of new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1))))
      expect(said).toContain(`aws s3 cp --recursive s3://acme-logs/${room}`)
  })

  it('a bucket that was emptied is filled by the agent, and by the other bucket; readers take that one', async () => {
    const site = await Delivered.open()
    await site.sh('logcask compact --from s3://acme-logs --to /srv/logs --once')
    site.empty('acme-logs')
    const [listed] = await site.follow('A region is lost')
    expect(listed).toContain(hostname())
    await site.expectPublished()
    await site.follow('A bucket is lost')
    site.expectBuckets()
  })

  it('what the thief of a key adds changes nothing; what is left of a disk goes into the streams of its machine', async () => {
    const site = await Delivered.open()
    const { place } = site
    await site.sh('systemctl stop logcask')
    const stolen = place.server.bucket('acme-logs')
    const [first = ''] = stolen.keys(`segments/${hostname()}/`)
    const room = first.slice(0, first.lastIndexOf('/') + 1)
    const madeUp = `segments/${hostname()}/20260101T000000000000000Z-zz/00000000000000000000-e3b0c44298fc1c14`
    stolen.put(`${room}00000000000000000007-0123456789abcdef`, 'not what was written')
    stolen.put(madeUp, 'made up')
    const said = (await site.follow('A key is stolen')).join('\n')
    expect(said).toContain('1 stray')
    expect(said).toContain('20260101T000000000000000Z-zz')
    for (const [path, content] of site.files)
      expect(await site.sh(`logcask cat s3://acme-logs '${hostname()}' '${path}' --quiet 2>/dev/null`)).toBe(
        content.toString(),
      )
    stolen.purge(madeUp)

    await site.write('/var/log/app.log', lines('app', 1_200))
    // A snapshot has the inodes of its file system, and so has a second name.
    const log = place.path('/var/log/app.log')
    const snap = place.path('/srv/snap')
    await mkdir(join(snap, dirname(log)), { recursive: true })
    await link(log, join(snap, log))
    await mkdir(join(snap, 'etc'))
    await writeFile(join(snap, 'etc/hostname'), hostname())
    await copyFile('/etc/machine-id', join(snap, 'etc/machine-id'))
    await site.follow("An agent's disk is lost")
    site.expectBuckets()
  })
})

it('docs/recovery.md has nothing that no test follows, and names only what is there', async () => {
  expect(headingsOf(page)).toEqual([
    'A backup of a bucket',
    'A bucket is lost',
    'A region is lost',
    'A key is stolen',
    "An agent's state is lost",
    "An agent's disk is lost",
    "The server's disk is lost",
    'Without any of our programs',
  ])
  const known = await loadKnown()
  const spans = [...page.matchAll(/`(logcask [^`\n]+)`/g)].map(([, span = '']) => span)
  expect(spans.flatMap((span) => problemOf(span, known) ?? [])).toEqual([])
})
