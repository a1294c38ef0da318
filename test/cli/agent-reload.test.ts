import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Running, startLogcask, until } from '../scenarios/logcask-process.ts'
import { compareWithFiles, holdingsBelow } from '../scenarios/stored-content.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

const whole = { lost: 0, doubled: 0, different: [] }

/** An agent on `logs/a*`, delivering to one directory; `configure` writes its configuration, `hangUp` has it taken. */
async function setUp() {
  const directory = await tempDirectory('reload')
  const [logs, config] = [join(directory, 'logs'), join(directory, 'agent.yaml')]
  await mkdir(logs)
  const settings = {
    host: 'web-1',
    state: join(directory, 'state'),
    scanInterval: '1s',
    sources: [{ name: 'a', include: [`${logs}/a*`], sealAfter: '1s' }],
    destinations: [{ name: 'one', url: `file://${directory}/one` }],
  }
  const configure = (changes: Record<string, unknown>): Promise<void> =>
    writeFile(config, JSON.stringify({ ...settings, ...changes }))
  await configure({})
  return { directory, logs, config, settings, configure, start: () => startLogcask(['agent', '-c', config]) }
}

const lines = (agent: Running): Record<string, unknown>[] =>
  agent
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)

async function hangUp(agent: Running, expected: Record<string, unknown>): Promise<void> {
  const before = lines(agent).length
  agent.process.kill('SIGHUP')
  const isSaid = (): boolean =>
    lines(agent)
      .slice(before)
      .some((line) => Object.entries(expected).every(([key, value]) => String(line[key]).includes(String(value))))
  await until(`the agent says ${JSON.stringify(expected)}`, isSaid, { context: agent.stderr })
}

async function stored(root: string, logs: string, names: readonly string[], agent: Running): Promise<void> {
  const files = new Map<string, Uint8Array>()
  for (const name of names) files.set(join(logs, name), await readFile(join(logs, name)))
  const isWhole = async (): Promise<boolean> => {
    const found = compareWithFiles(files, await holdingsBelow(root).catch(() => new Map()))
    return found.lost === 0 && found.different.length === 0
  }
  await until(`${names.join(' and ')} in ${root}`, isWhole, { context: agent.stderr })
  expect(compareWithFiles(files, await holdingsBelow(root))).toMatchObject(whole)
}

describe('SIGHUP', () => {
  it('takes sources and destinations that were added, and goes on with the others where it was', async () => {
    const { directory, logs, settings, configure, start } = await setUp()
    await writeFile(join(logs, 'a.log'), 'one\n')
    await writeFile(join(logs, 'b.log'), 'other\n')
    const agent = start()
    await stored(join(directory, 'one'), logs, ['a.log'], agent)
    await configure({
      sources: [...settings.sources, { name: 'b', include: [`${logs}/b*`] }],
      destinations: [...settings.destinations, { name: 'two', url: `file://${directory}/two` }],
    })
    await hangUp(agent, { msg: 'configuration taken' })
    await appendFile(join(logs, 'a.log'), 'two\n')
    for (const name of ['one', 'two']) await stored(join(directory, name), logs, ['a.log', 'b.log'], agent)
    agent.process.kill('SIGTERM')
    expect((await agent.ended).code).toBe(0)
  })

  it('takes a source of another mode: its files are delivered whole', async () => {
    const { directory, logs, settings, configure, start } = await setUp()
    await writeFile(join(logs, 'a.log'), 'one\n')
    const agent = start()
    await stored(join(directory, 'one'), logs, ['a.log'], agent)
    await writeFile(join(logs, 'h-20200101T00Z.log'), 'an hour\n')
    const hourly = { name: 'h', include: [`${logs}/h*`], mode: 'when-complete', as: '{prefix}/{year}/{filename}' }
    await configure({ sources: [...settings.sources, hourly] })
    await hangUp(agent, { msg: 'configuration taken' })
    const target = join(directory, 'one/files/h/2020/h-20200101T00Z.log')
    const isThere = (path: string): Promise<boolean> =>
      readFile(path, 'utf8').then(
        (text) => text === 'an hour\n',
        () => false,
      )
    const places = [target, target.replace('/files/', '/')]
    await until('the whole file', async () => (await Promise.all(places.map(isThere))).includes(true), {
      context: agent.stderr,
    })
    agent.process.kill('SIGTERM')
    expect((await agent.ended).code).toBe(0)
  })

  it('keeps what is in force where the new one is broken, or is for another host, and says why', async () => {
    const { directory, logs, config, configure, start } = await setUp()
    await writeFile(join(logs, 'a.log'), 'one\n')
    const agent = start()
    await stored(join(directory, 'one'), logs, ['a.log'], agent)
    await writeFile(config, 'sources: [\n')
    await hangUp(agent, { place: 'configuration', problem: 'not taken, the one before stays' })
    await configure({ host: 'web-2' })
    await hangUp(agent, { problem: 'host differs', hint: 'restart it' })
    await configure({ destinations: [{ name: 'one', url: `file://${directory}/one` }], log: { level: 'debug' } })
    await hangUp(agent, { problem: 'log is taken at the next start only' })
    await appendFile(join(logs, 'a.log'), 'two\n')
    await stored(join(directory, 'one'), logs, ['a.log'], agent)
    agent.process.kill('SIGTERM')
    expect((await agent.ended).code).toBe(0)
  })
})
