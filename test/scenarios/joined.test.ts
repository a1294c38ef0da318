import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { faults } from '../support/fault-s3-faults.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { archivedIn, buckets, JoinedStage, publishedIn } from './joined-stage.ts'
import { logcask } from './logcask-process.ts'
import { whenLong } from './long.ts'

interface Row {
  kind: string
  stream: string
  verdict: string
  tamperedKeys?: string[]
  against?: { differs?: object; missingHere?: object; missingThere?: object }
}

async function verify(...args: string[]): Promise<{ code: number | null; rows: Row[]; sum: Row | undefined }> {
  const { code, stdout } = await logcask(['verify', ...args, '--json'])
  const rows = stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
  return { code, rows: rows.filter(({ kind }) => kind === 'stream'), sum: rows.at(-1) }
}

const rounds = whenLong(5, 3)
/** Of these nothing reaches the second bucket, and their files are gone when it is back. */
const roundsDown = whenLong([1, 2], [1])

it(
  'I1, I2, I8: two buckets of which one was down, joined by sync: directories and archive as the files were written, whatever is killed; and whoever tampers is named',
  async () => {
    const directory = await tempDirectory('joined')
    const seed = 20261121
    const stage = await JoinedStage.open(directory, { hosts: whenLong(20, 2), files: 2, seed })
    const out = (bucket: string): string => join(directory, `out-${bucket}`)
    const compact = (bucket: (typeof buckets)[number]) => [
      ...['compact', '--from', stage.url(bucket), '--to', out(bucket), '--interval', '10ms'],
    ]
    const archive = pathToFileURL(join(directory, 'archive')).href
    const intoArchive = (bucket: (typeof buckets)[number]) => [
      ...['compact', '--from', stage.url(bucket), '--archive', archive, '--spool', join(directory, 'spool')],
    ]

    // Rotations and kills, with one of the buckets down for two of the rounds.
    let up = (): void => {}
    for (let round = 0; round < rounds; round++) {
      if (round === roundsDown[0])
        up = stage.server.fault(({ bucket }) => (bucket === 'us' ? faults['lost-before'] : undefined))
      await stage.append()
      await stage.append()
      const isDown = roundsDown.includes(round)
      for (const { code, stderr } of await stage.deliver(isDown ? ['eu'] : buckets))
        expect([0, 3], stderr).toContain(code)
      await stage.rotate(round)
      if (isDown) await stage.removeRotated()
      if (round === roundsDown.at(-1)) up()
      await stage.kill(compact(stage.random.pick(buckets)))
    }
    const missed =
      stage.server.bucket('eu').keys('segments/').length - stage.server.bucket('us').keys('segments/').length
    expect(missed, 'the second bucket lacks what was delivered while it was down').toBeGreaterThan(0)

    // Joined, both ways; compactors and sync killed again and again.
    const sync = (from: 'eu' | 'us', to: 'eu' | 'us') => [
      'sync',
      '--from',
      stage.url(from),
      '--to',
      stage.url(to),
      '--once',
    ]
    const before = await publishedIn(out('us'))
    for (let kill = 0; kill < whenLong(100, 2); kill++)
      await Promise.all([
        stage.kill(sync('eu', 'us')),
        stage.kill([...intoArchive(stage.random.pick(buckets)), '--interval', '10ms']),
        ...buckets.map((bucket) => stage.kill(compact(bucket))),
      ])
    for (const args of [sync('eu', 'us'), sync('us', 'eu')]) {
      const { code, stderr } = await logcask(args)
      expect(code, stderr).toBe(0)
    }
    for (const bucket of buckets) {
      const { code, stderr } = await logcask([...compact(bucket), '--once'])
      expect(code, stderr).toBe(0)
      const published = [...(await publishedIn(out(bucket))).values()].map(({ sha256 }) => sha256)
      expect(published.length, bucket).toBe(stage.written.size)
      expect(new Set(published), bucket).toEqual(stage.written)
    }
    const clean = await publishedIn(out('us'))
    for (const [path, { bytes }] of before) expect(clean.get(path)?.bytes.subarray(0, bytes.length)).toEqual(bytes)
    for (const bucket of buckets) {
      const { code, stderr } = await logcask([...intoArchive(bucket), '--once'])
      expect(code, stderr).toBe(0)
    }
    const archived = await archivedIn(join(directory, 'archive'))
    expect(archived.length).toBe(stage.written.size)
    expect(new Set(archived)).toEqual(stage.written)
    for (const against of [out('us'), stage.url('eu'), archive]) {
      const { code, sum } = await verify('--from', stage.url('us'), '--against', against)
      expect(sum).toMatchObject({ verdict: 'fine', streams: stage.written.size, sealed: stage.written.size, strays: 0 })
      expect(code).toBe(0)
    }

    // A byte on a disk, a segment overwritten, one removed past the port, one deleted behind a marker.
    const us = stage.server.bucket('us')
    const [changed = '', ...others] = [...clean.keys()].filter((path) => (clean.get(path)?.bytes.length ?? 0) > 9_000)
    const bytes = await readFile(join(out('us'), changed))
    bytes[7] = (bytes[7] ?? 0) ^ 1
    await writeFile(join(out('us'), changed), bytes)
    const [overwritten = '', removed = '', deleted = ''] = others.map(
      (path) => us.keys('segments/').find((key) => key.includes(`/${streamOf(path)}/`)) ?? '',
    )
    us.put(overwritten, 'stolen keys')
    us.purge(removed)
    us.remove(deleted)
    const found = await verify('--from', stage.url('us'), '--against', out('us'))
    expect(found.code).toBe(1)
    const bad = new Map(found.rows.filter(({ verdict }) => verdict !== 'fine').map((row) => [row.stream, row]))
    expect(bad.size).toBe(4)
    expect(bad.get(streamOf(changed))).toMatchObject({ verdict: 'differs', against: { differs: { start: 7, end: 8 } } })
    for (const key of [overwritten, deleted])
      expect(bad.get(key.split('/')[2] ?? '')).toMatchObject({ verdict: 'differs', tamperedKeys: [key] })
    expect(bad.get(removed.split('/')[2] ?? '')).toMatchObject({
      verdict: 'gaps',
      against: { missingHere: { start: 0 } },
    })
    const archivedToo = await verify('--from', stage.url('us'), '--against', archive)
    const lost = archivedToo.rows.find(({ stream }) => stream === removed.split('/')[2])
    expect(lost).toMatchObject({ verdict: 'gaps', against: { missingHere: { start: 0 } } })
    expect(archivedToo.rows.filter(({ verdict }) => verdict !== 'fine')).toHaveLength(3)
    const elsewhere = await verify('--from', stage.url('us'), '--against', stage.url('eu'))
    expect(elsewhere.rows.filter(({ verdict }) => verdict !== 'fine')).toHaveLength(3)

    // I8: nothing of it changes what was published; and sync brings back what was removed.
    await logcask([...compact('us'), '--once'])
    const after = await publishedIn(out('us'))
    expect(after.size).toBe(clean.size)
    for (const [path, { sha256 }] of clean) if (path !== changed) expect(after.get(path)?.sha256, path).toBe(sha256)
    expect((await logcask(sync('eu', 'us'))).code).toBe(0)
    const healed = await verify('--from', stage.url('us'), '--against', stage.url('eu'))
    expect(healed.rows.filter(({ verdict }) => verdict !== 'fine')).toHaveLength(2)
    expect(stage.kills).toBeGreaterThanOrEqual(whenLong(400, 17))
  },
  whenLong(3_600_000, 240_000),
)

function streamOf(path: string): string {
  return path.slice(path.lastIndexOf('~') + 1)
}
