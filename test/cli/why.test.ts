import { appendFile, mkdir, readdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createPaint } from '../../src/cli/terminal/terminal.ts'
import type { WhyAnswer, WhyDelivery, WhyFacts, WhyGeneration, WhyRecord } from '../../src/cli/why/why-facts.ts'
import { decideByAnswer, decideByRecord, whyLines } from '../../src/cli/why/why-text.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const stream = '20261121T100000000000000Z-a1'
const facts: WhyFacts = {
  path: '/var/log/app.log.1',
  file: { identity: stream, born: '2026-11-21T10:00:00.000000000Z', bytes: 2000 },
  isLink: false,
  agent: 'running',
  source: { kind: 'matched', name: 'app' },
  record: undefined,
  asked: [],
  copyOf: [],
}
const delivery: WhyDelivery = {
  destination: 'eu',
  stream,
  acked: 1500,
  sent: 'same',
  confirmed: 'same',
  sealed: undefined,
  hasGap: false,
  forkOf: undefined,
  problem: undefined,
}
const record: WhyRecord = {
  identity: stream,
  isSameFile: true,
  source: 'app',
  firstPath: '/var/log/app.log',
  lastPath: '/var/log/app.log.1',
  bytes: 2000,
  copyReason: undefined,
  ended: undefined,
  deliveries: [delivery],
}

describe('the decision from the checkpoint', () => {
  it.each<[string, Partial<WhyDelivery>, Partial<WhyRecord>, RegExp]>([
    ['E3 holds: it goes on', {}, {}, /^same stream, continue at 1,500$/],
    ['all is acked', { acked: 2000 }, {}, /^same stream, all of it is there$/],
    ['an edit of the first bytes is no other life', { sent: 'edited' }, {}, /continue at 1,500 \(its first 64 bytes/],
    ['shorter than acked waits', { acked: 3000, sent: 'short' }, {}, /^shorter than acked: wait/],
    [
      'a difference from what we read ends the life',
      { sent: 'different', confirmed: 'different' },
      {},
      /ends with a gap/,
    ],
    ['a difference from adopted bytes forks there', { sent: 'different', confirmed: 'same' }, {}, /forks/],
    ['no stream yet', { stream: undefined }, {}, /^not known yet/],
    [
      'an ended life whose gap stands',
      { hasGap: true },
      { ended: 'truncated' },
      /^ended \(truncated\) at 1,500: its end is recorded$/,
    ],
    ['an ended life whose gap waits', {}, { ended: 'gone' }, /still to be recorded$/],
    ['a compressed rotation', { sent: undefined }, { copyReason: 'compressed' }, /^holds that stream compressed/],
    ['no file is its own', { sent: undefined }, { isSameFile: false }, /^no file of that name/],
  ])('%s', (_name, one, life, expected) => {
    const changed = { ...record, ...life }
    expect(decideByRecord({ ...facts, record: changed }, changed, { ...delivery, ...one })).toMatch(expected)
  })
})

describe('the decision from what a destination has', () => {
  const generation: WhyGeneration = {
    stream,
    length: 1500,
    comparison: 'same',
    isEnded: false,
    sealed: undefined,
    gaps: [],
  }
  const answer: WhyAnswer = {
    destination: 'eu',
    problem: undefined,
    generations: [],
    aliases: [],
    resumes: undefined,
    next: stream,
  }
  it.each<[string, Partial<WhyAnswer>, string]>([
    ['nothing is there', {}, `nothing is there: ${stream} begins at 0`],
    ['I4: no answer decides nothing', { problem: 'timeout' }, 'unknown: it did not answer, and that decides nothing'],
    ['it is resumed', { generations: [generation], resumes: stream }, 'same stream, continue at 1,500'],
    [
      'it is there',
      { generations: [{ ...generation, length: 2000 }], resumes: stream },
      'same stream, all of it is there',
    ],
    [
      'the file is shorter',
      { generations: [{ ...generation, length: 3000, comparison: 'short' }], resumes: stream },
      'shorter than what is there: wait; the first byte that differs decides',
    ],
    [
      'it differs',
      { generations: [{ ...generation, comparison: 'different' }], next: `${stream}.1` },
      `differs from what is there: fork, ${stream}.1 begins at 0`,
    ],
    [
      'it ended',
      { generations: [{ ...generation, isEnded: true }], next: `${stream}.1` },
      `what is there has ended: ${stream}.1 begins at 0`,
    ],
    ['an alias', { aliases: ['0-7'] }, 'an alias says that it holds 0-7: as long as the bytes agree'],
  ])('%s', (_name, one, expected) => {
    expect(decideByAnswer(facts, { ...answer, ...one })).toBe(expected)
  })

  it('names the files whose copy it could be', () => {
    expect(decideByAnswer({ ...facts, copyOf: ['/var/log/app.log'] }, answer)).toContain(
      'unless its bytes are those of /var/log/app.log',
    )
  })
})

describe('the text', () => {
  it('evidence, decision, and where each destination is', () => {
    const us = { ...delivery, destination: 'us', acked: 2000, sealed: { length: 2000, sha256: '4be0'.repeat(16) } }
    const late = { ...delivery, problem: '403 on PutObject' }
    const lines = whyLines({ ...facts, record: { ...record, deliveries: [us, late] } }, createPaint(false))
    expect(lines).toEqual([
      '/var/log/app.log.1',
      'source app',
      `born 2026-11-21T10:00:00.000000000Z, identity ${stream}, first seen as /var/log/app.log · 2,000 bytes now`,
      'E1 held open or not: only the running agent knows · E2 inode and birth equal · E3 first and last 4 KiB equal',
      '→ us: same stream, all of it is there',
      '→ eu: same stream, continue at 1,500',
      'DESTINATION  STREAM                        OFFSET  TO GO  STATE',
      `us           ${stream}   2,000    0 B  sealed 4be0…`,
      `eu           ${stream}   1,500  500 B  live`,
      'eu waits: 403 on PutObject',
    ])
  })

  it('says per destination where E3 differs between them', () => {
    const other = { ...delivery, destination: 'us', sent: 'different' as const, confirmed: 'same' as const }
    const lines = whyLines({ ...facts, record: { ...record, deliveries: [delivery, other] } }, createPaint(false))
    expect(lines.join('\n')).toContain('E3 first and last 4 KiB equal (eu), differs from what was shipped (us)')
  })
})

describe('logcask why', () => {
  it('after ship: the stream, its offset and its seal per destination, from the checkpoint alone', async () => {
    const { place, file, state, ship } = await machine()
    await ship()
    const before = await everything(place)
    const shipped = await commandLine(['why', file, '--state', state])
    expect(shipped).toMatchObject({ code: 0, stderr: '' })
    expect(shipped.stdout).toMatch(/E2 inode( and birth)? equal · E3 first and last 4 KiB equal/)
    expect(shipped.stdout).toContain('→ same stream, all of it is there')
    expect(shipped.stdout).toMatch(/(10,000 +0 B +sealed.*\n.*){2}/)
    expect(await everything(place)).toEqual(before)
  })

  it.each<[string, (file: string) => Promise<void>, string]>([
    ['grown', (file) => appendFile(file, 'more'), '→ same stream, continue at 10,000'],
    ['cut', (file) => truncate(file, 100), '→ shorter than acked: wait'],
    ['written anew', (file) => writeFile(file, 'y'.repeat(12_000)), '→ truncated, rewritten, or its inode used again'],
    ['removed', (file) => rm(file), 'no file has this name now'],
  ])('a file that was %s since', async (_name, change, expected) => {
    const { file, state, ship } = await machine()
    await ship()
    await change(file)
    const { code, stdout } = await commandLine(['why', file, '--state', state])
    expect(code).toBe(0)
    expect(stdout).toContain(expected)
  })

  it('I3: without a record the destinations say it; one that does not answer decides nothing (I4)', async () => {
    const { file, place, ship } = await machine()
    await ship()
    await rename(file, `${file}.1`)
    const elsewhere = join(place, 'none')
    const ask = ['why', `${file}.1`, '--state', elsewhere, '--host', 'web-1', '--to', `file://${place}/a`]
    const one = await commandLine(ask)
    expect(one.code).toBe(0)
    expect(one.stdout).toContain(`→ file://${place}/a: same stream, all of it is there`)
    const two = await commandLine([...ask, '--to', `file://${place}/missing`, '--json'])
    expect(two.code).toBe(75)
    expect(JSON.parse(two.stdout).asked).toMatchObject([
      { decision: 'same stream, all of it is there', generations: [{ length: 10_000 }] },
      { decision: 'unknown: it did not answer, and that decides nothing' },
    ])
    expect((await readdir(place)).sort()).toEqual(['a', 'b', 'logs', 'state'])
  })

  it('a path that no source matches: which patterns were tried; one that is excluded: by what', async () => {
    const { place } = await machine()
    const config = join(place, 'agent.yaml')
    await writeFile(
      config,
      `state: ${place}/state\nsources: [{ name: s, include: ["${place}/logs/*.log"], exclude: ["debug*"] }]\ndestinations: [{ name: a, url: "file://${place}/a" }]\n`,
    )
    await writeFile(join(place, 'other.txt'), '')
    await writeFile(join(place, 'logs', 'debug.log'), '')
    const other = await commandLine(['why', join(place, 'other.txt'), '-c', config])
    expect(other.code).toBe(1)
    expect(other.stdout).toContain(`no source matches it: it is not shipped; tried: ${place}/logs/*.log`)
    const excluded = await commandLine(['why', join(place, 'logs', 'debug.log'), '-c', config])
    expect(excluded.code).toBe(1)
    expect(excluded.stdout).toContain('source s would match it, but excludes it: debug*')
  })

  it('a file that since leaves out: so, and since when it would not be', async () => {
    const directory = await tempDirectory()
    const [config, log] = [join(directory, 'agent.yaml'), join(directory, 'old.log')]
    await writeFile(
      config,
      `state: ${directory}/state\nsources: [{ name: app, include: ["${directory}/*.log"], since: 7d }]\ndestinations: [{ url: "file://${directory}/bucket" }]\n`,
    )
    await writeFile(log, 'old\n')
    await utimes(log, 1_000_000, 1_000_000)
    const { code, stdout } = await commandLine(['why', log, '-c', config])
    expect(stdout).toContain('source app leaves it out: it had not changed for longer than its since: 7d')
    expect(code).toBe(1)
    await appendFile(log, 'new\n')
    expect((await commandLine(['why', log, '-c', config])).stdout).toMatch(/^source app$/m)
  })

  it('a symbolic link is said not to be followed', async () => {
    const { place, file, state } = await machine()
    await symlink(file, join(place, 'link'))
    const { stdout } = await commandLine(['why', join(place, 'link'), '--state', state])
    expect(stdout).toContain('a symbolic link: not followed')
  })

  it('a directory is said to be one', async () => {
    const { place, state } = await machine()
    const { code, stderr } = await commandLine(['why', join(place, 'logs'), '--state', state])
    expect(code).toBe(2)
    expect(stderr).toContain(`${join(place, 'logs')}: is a directory\nfix: logcask why PATH`)
  })

  it('a name that nothing has is an error', async () => {
    const { place, state } = await machine()
    const { code, stderr } = await commandLine(['why', join(place, 'nothing'), '--state', state])
    expect(code).toBe(2)
    expect(stderr).toContain('no such file, and no record of one')
  })
})

async function machine() {
  const place = await tempDirectory('why')
  const [file, state] = [join(place, 'logs', 'app.log'), join(place, 'state')]
  await mkdir(join(place, 'logs'))
  await writeFile(file, 'x'.repeat(10_000))
  const to = ['--to', `file://${place}/a`, '--to', `file://${place}/b`]
  const ship = async () => {
    const { code, stderr } = await commandLine(['ship', file, ...to, '--state', state, '--host', 'web-1'])
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  }
  return { place, file, state, ship }
}

async function everything(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).sort()
}
