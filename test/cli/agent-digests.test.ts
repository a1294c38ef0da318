import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeDigest } from '../../src/format/digest.ts'
import { logcask, startLogcask, until } from '../scenarios/logcask-process.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

async function setUp() {
  const place = await tempDirectory('digests')
  const config = join(place, 'agent.yaml')
  await mkdir(join(place, 'logs'))
  await writeFile(join(place, 'logs/a.log'), 'hello\n')
  const configure = (...destinations: string[]): Promise<void> =>
    writeFile(
      config,
      JSON.stringify({
        host: 'web-1',
        state: join(place, 'state'),
        sources: [{ name: 's', include: [`${place}/logs/*.log`] }],
        destinations: destinations.map((name) => ({ name, url: `file://${place}/${name}` })),
      }),
    )
  const digests = async (name: string) => {
    const directory = join(place, name, 'digests/web-1')
    const names = await readdir(directory).catch((): string[] => [])
    return Promise.all(
      names
        .filter((one) => !one.startsWith('.'))
        .map(async (one) => ({ name: one, ...decodeDigest(await readFile(join(directory, one))) })),
    )
  }
  return { place, config, configure, digests }
}

describe('the heartbeat of a daemon', () => {
  it('is in every destination soon after its start, also in one that a reload brings, and once an hour only', async () => {
    const { config, configure, digests } = await setUp()
    await configure('a')
    const agent = startLogcask(['agent', '-c', config])
    await until('a has one', async () => (await digests('a')).length > 0, { context: agent.stderr, withinMs: 90_000 })
    await configure('a', 'b')
    agent.process.kill('SIGHUP')
    await until('b has one', async () => (await digests('b')).length > 0, { context: agent.stderr, withinMs: 90_000 })
    agent.process.kill('SIGTERM')
    expect((await agent.ended).code).toBe(0)
    const [first] = await digests('a')
    expect(first?.name).toMatch(/^\d{8}T\d\dZ-[0-9a-f]{16}$/)
    expect(first?.previous).toBeUndefined()
    const again = startLogcask(['agent', '-c', config])
    await until('it is back', () => again.stderr().includes('"msg":"agent"'), {
      context: again.stderr,
      withinMs: 90_000,
    })
    again.process.kill('SIGTERM')
    await again.ended
    // The hour may have ended meanwhile.
    expect((await digests('a')).length).toBeLessThanOrEqual(2)
  }, 300_000)

  it('is none of a one-shot run, which promises no next one', async () => {
    const { place, config, configure, digests } = await setUp()
    await configure('a')
    expect((await logcask(['agent', '-c', config, '--once'])).code).toBe(0)
    expect(
      (await logcask(['ship', join(place, 'logs/a.log'), '--to', `file://${place}/a`, '--state', join(place, 's2')]))
        .code,
    ).toBe(0)
    expect(await digests('a')).toEqual([])
  })
})
