import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { version } from '../packages/contents.ts'
import { debName } from '../packages/deb.ts'
import { DebianRoot, noDebian } from './debian-root.ts'
import { instructionsOf, valuesOf } from './dockerfile.ts'
import { installBlocks } from './install-page.ts'

const { deb = '' } = inject('built')
const file = join(import.meta.dirname, '../Dockerfile')
const instructions = instructionsOf(await readFile(file, 'utf8'))
const only = (name: string): string => {
  const [value, another] = valuesOf(instructions, name)
  if (value === undefined || another !== undefined) throw new Error(`not exactly one ${name}`)
  return value
}

describe('the Dockerfile', () => {
  it('says what hadolint would ask of it', () => {
    // A tag, no `latest`; a user, by number, so that Kubernetes can tell that it is not root; programs without a shell.
    expect(valuesOf(instructions, 'ARG')).toContain('BASE=debian:12-slim')
    expect(only('FROM')).toBe('$' + '{BASE}')
    expect(only('USER')).toMatch(/^\d+:\d+$/)
    expect(JSON.parse(only('ENTRYPOINT'))).toEqual(['/usr/bin/logcask'])
    expect(JSON.parse(only('CMD'))).toEqual(['--help'])
    expect(only('WORKDIR')).toMatch(/^\//)
    expect(valuesOf(instructions, 'ADD')).toEqual([])
    for (const script of valuesOf(instructions, 'RUN'))
      expect(script).not.toMatch(/\b(sudo|curl|wget|apt-get upgrade|cd )\b/)
    const known = ['ARG', 'FROM', 'COPY', 'RUN', 'ENV', 'VOLUME', 'USER', 'WORKDIR', 'STOPSIGNAL', 'ENTRYPOINT', 'CMD']
    expect(instructions.filter(({ name }) => !known.includes(name))).toEqual([])
  })

  it('is built from what a release has, as docs/install.md says', async () => {
    const [block] = installBlocks('A container')
    const text = (block?.text ?? '').replaceAll('\\\n', ' ')
    expect(/-f (\S+)/.exec(text)?.[1]).toBe('packaging/Dockerfile')
    expect(/--build-arg DEB=(\S+) (\S+)/.exec(text)?.slice(1)).toEqual([
      debName(await version(), 'x64'),
      'dist/release',
    ])
    expect(valuesOf(instructions, 'COPY', { DEB: 'x.deb' })).toEqual(['x.deb /tmp/logcask.deb'])
    expect(text).toContain(` ${basename('/logcask')} agent\n`)
  })
})

const why = noDebian ?? (deb === '' ? 'not run: no dpkg-deb' : undefined)

/** There is no engine on the machines that test this: its steps are done by hand, on what the base image is made of. */
describe.skipIf(why !== undefined)(`the image, step by step in a Debian root${why ? ` (${why})` : ''}`, () => {
  let root: DebianRoot
  beforeAll(async () => {
    root = await DebianRoot.open()
    for (const { name, value } of instructions) {
      if (name === 'COPY') await root.copy(deb, value.split(' ')[1] ?? '')
      if (name === 'RUN') await root.succeed(value)
    }
  })
  afterAll(() => root?.close())

  const env = Object.fromEntries(
    only('ENV')
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]),
  )
  const [uid, gid] = only('USER').split(':')
  /** As the engine would run it: nobody's user, no right that root has, its own environment. */
  const asUser = `setpriv --reuid ${uid} --regid ${gid} --clear-groups --inh-caps=-all --bounding-set=-all`
  const [program] = JSON.parse(only('ENTRYPOINT')) as string[]

  it('leaves nothing of its making behind', () => {
    expect(existsSync(root.file('/tmp/logcask.deb'))).toBe(false)
  })

  it('runs without an entry in /etc/passwd: ships, and keeps its state', async () => {
    await root.succeed('mkdir -m 777 /bucket; echo a line > /srv/a.log')
    const ship = `${asUser} ${program} ship /srv/a.log --to file:///bucket --host h --quiet`
    await root.succeed(ship, env)
    expect(await root.succeed(`${asUser} ${program} cat file:///bucket h /srv/a.log`, env)).toBe('a line\n')
    expect(existsSync(root.file('/var/lib/logcask/agent.json'))).toBe(true)
  })

  it('as the page runs it: root with no right but to read everything', async () => {
    await root.succeed(`install -m 600 /dev/null /srv/other.log; echo theirs > /srv/other.log; chown 1234 /srv/other.log
chown -R 0:0 /var/lib/logcask; mkdir -p /bucket2`)
    const asReader = 'setpriv --bounding-set=-all,+dac_read_search --inh-caps=-all'
    await root.succeed(`${asReader} ${program} ship /srv/other.log --to file:///bucket2 --host h --quiet`, env)
    expect(await root.succeed(`${program} cat file:///bucket2 h /srv/other.log`, env)).toBe('theirs\n')
  })
})
