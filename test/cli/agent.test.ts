import { appendFile, chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { logcask, type Running, startLogcask, until } from '../scenarios/logcask-process.ts'
import { compareWithFiles, contentsOf, holdingsBelow, holdingsOf } from '../scenarios/stored-content.ts'
import { type FaultS3, startFaultS3 } from '../support/fault-s3.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount, mounted } from '../support/mounts.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

const whole = { lost: 0, doubled: 0, different: [] }
const isRoot = process.getuid?.() === 0

interface Settings {
  destinations: Record<string, unknown>[]
  [setting: string]: unknown
}

/** Logs, a state directory, and a configuration that names them. */
async function setUp() {
  const directory = await tempDirectory('agent')
  const logs = join(directory, 'logs')
  const state = join(directory, 'state')
  const config = join(directory, 'agent.yaml')
  const root = join(directory, 'bucket')
  await mkdir(logs)
  const configure = (settings: Settings): Promise<void> =>
    writeFile(
      config,
      JSON.stringify({
        host: 'web-1',
        state,
        sources: [{ name: 'logs', include: [`${logs}/*.log*`], sealAfter: '1s' }],
        scanInterval: '1s',
        ...settings,
      }),
    )
  await configure({ destinations: [{ url: `file://${root}` }] })
  const file = async (name: string): Promise<Map<string, Uint8Array>> =>
    new Map([[join(logs, name), await readFile(join(logs, name))]])
  return { directory, logs, state, config, root, configure, file, start: () => startLogcask(['agent', '-c', config]) }
}

async function serve(): Promise<FaultS3> {
  const server = await startFaultS3()
  onTestFinished(() => server.close())
  return server
}

async function stop(agent: Running): Promise<{ code: number | null; stderr: string }> {
  agent.process.kill('SIGTERM')
  return agent.ended
}

/** Every line that an agent has written, as the JSON that it is. */
function entries(stderr: string): Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const segments = (server: FaultS3): string[] => server.objects.keys('segments/')

describe('the agent is told to stop', () => {
  it('I1: in the middle of a backlog it delivers the rest within drainTimeout, and ends with 0', async () => {
    const { logs, configure, file, start } = await setUp()
    const server = await serve()
    server.fault(({ operation }) => (operation === 'PutObject' ? { kind: 'slow', ms: 60 } : undefined))
    await configure({ destinations: [{ url: 's3://bucket', endpoint: server.endpoint }], drainTimeout: '50s' })
    await writeFile(join(logs, 'app.log'), patternBytes(40_000_000))
    const agent = start()
    await until('a segment is there', () => segments(server).length > 0, { context: agent.stderr })
    const { code, stderr } = await stop(agent)
    expect(code).toBe(0)
    expect(compareWithFiles(await file('app.log'), holdingsOf(server.objects))).toMatchObject(whole)
    expect(entries(stderr).map(({ msg }) => msg)).toContain('draining')
  })

  it('I1: without time to drain it ends with 0, and the next one goes on where it was', async () => {
    const { logs, configure, file, start } = await setUp()
    const server = await serve()
    const works = server.fault(({ operation }) => (operation === 'PutObject' ? { kind: 'slow', ms: 200 } : undefined))
    await configure({ destinations: [{ url: 's3://bucket', endpoint: server.endpoint }], drainTimeout: '0s' })
    await writeFile(join(logs, 'app.log'), patternBytes(48_000_000))
    const first = start()
    await until('a segment is there', () => segments(server).length > 0, { context: first.stderr })
    expect((await stop(first)).code).toBe(0)
    const before = segments(server)
    const files = await file('app.log')
    expect(compareWithFiles(files, holdingsOf(server.objects)).lost).toBeGreaterThan(0)
    works()
    const second = start()
    const isThere = (): boolean => compareWithFiles(files, holdingsOf(server.objects)).lost === 0
    await until('the rest is there', isThere, { context: second.stderr })
    expect((await stop(second)).code).toBe(0)
    expect(compareWithFiles(files, holdingsOf(server.objects))).toMatchObject(whole)
    expect(segments(server).slice(0, before.length)).toEqual(before)
  })

  it.each([
    ['from its start', () => faults.hang],
    ['once it had begun', ({ key }: { key: string }) => (key.startsWith('segments/') ? faults.hang : undefined)],
  ] as const)('I5: a destination that hangs %s keeps it no longer than drainTimeout', async (_, fault) => {
    const { logs, root, configure, file, start } = await setUp()
    const server = await serve()
    server.fault(fault)
    await configure({
      destinations: [{ url: `file://${root}` }, { url: 's3://bucket', endpoint: server.endpoint }],
      drainTimeout: '1s',
    })
    await writeFile(join(logs, 'app.log'), 'line\n')
    const files = await file('app.log')
    const agent = start()
    const isThere = async (): Promise<boolean> => compareWithFiles(files, await holdingsBelow(root)).lost === 0
    await until('the other has it', isThere, { context: agent.stderr })
    const { code, stderr } = await stop(agent)
    expect(code).toBe(0)
    for (const { level, time, msg } of entries(stderr)) {
      expect(level).toMatch(/^(debug|info|warn|error)$/)
      expect(Date.parse(String(time))).toBeGreaterThan(0)
      expect(msg).toEqual(expect.any(String))
    }
  })
})

describe('the agent with input that is wrong', () => {
  it('I6: a file that cannot be read is named with the remedy, delays no other, and is delivered once it can be', async ({
    skip,
  }) => {
    if (process.platform !== 'linux' && isRoot) skip('needs another user')
    const { directory, logs, config, root } = await setUp()
    await writeFile(join(logs, 'good.log'), 'good\n')
    await writeFile(join(logs, 'secret.log'), 'secret\n')
    await chmod(join(logs, 'secret.log'), 0)
    await chmod(directory, 0o777)
    const agent = startLogcask(['agent', '-c', config], isRoot ? { uid: 65534, gid: 65534 } : {})
    const contents = async (): Promise<string[]> =>
      [...contentsOf(await holdingsBelow(root)).values()].map(({ content }) => content.toString()).sort()
    await until('the good one is there', async () => (await contents()).includes('good\n'), { context: agent.stderr })
    await until('the other is named', () => /cannot read .*secret\.log: EACCES/.test(agent.stderr()))
    await chmod(join(logs, 'secret.log'), 0o644)
    await until('it is there, too', async () => (await contents()).length === 2, { context: agent.stderr })
    expect(await contents()).toEqual(['good\n', 'secret\n'])
    const { code, stderr } = await stop(agent)
    expect(code).toBe(0)
    const problems = entries(stderr).filter(({ place }) => String(place).endsWith('secret.log'))
    // Once, however many scans have met it.
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ level: 'warn', hint: expect.stringContaining('let this user read it') })
  })

  it('a state directory that another agent works in: 1, with the process to stop', async () => {
    const { logs, config, root, start } = await setUp()
    await writeFile(join(logs, 'app.log'), 'line\n')
    const first = start()
    await until('it works', async () => (await holdingsBelow(root)).size > 0, { context: first.stderr })
    const second = await logcask(['agent', '-c', config])
    expect(second.stderr).toMatch(`another logcask works here: process ${first.process.pid} on `)
    expect(second.stderr).toMatch(`kill ${first.process.pid}`)
    expect(second.code).toBe(1)
    expect((await stop(first)).code).toBe(0)
  })

  it('a state directory that belongs to another host: 2, with both ways out', async () => {
    const { root, state, configure, start } = await setUp()
    const first = start()
    await until('it works', () => /"msg":"agent"/.test(first.stderr()), { context: first.stderr })
    await stop(first)
    await configure({ host: 'web-2', destinations: [{ url: `file://${root}` }] })
    const { code, stderr } = await start().ended
    expect(stderr).toContain(`state directory ${state}: belongs to host web-1, not to web-2`)
    expect(stderr).toMatch(/fix: .*web-1.*--state/)
    expect(code).toBe(2)
  })

  it.each([
    ['agent.json', JSON.stringify({ v: 2, host: 'web-1' }), 'is of version 2, this logcask knows version 1'],
    ['agent.json', '{"v":1,"ho', 'is damaged'],
    ['checkpoint.jsonl', 'line of another version', undefined],
  ])('I3: %s with %j: refused with the remedy, or done without', async (name, text, message) => {
    const { logs, root, state, start, file } = await setUp()
    await writeFile(join(logs, 'app.log'), 'line\n')
    const first = start()
    await until('it is there', async () => (await holdingsBelow(root)).size > 5, { context: first.stderr })
    await stop(first)
    await writeFile(join(state, name), text)
    if (message === undefined) {
      // Only a line that was meant to be one has a version.
      await appendFile(join(logs, 'app.log'), 'more\n')
      const again = start()
      const files = await file('app.log')
      const isThere = async (): Promise<boolean> => compareWithFiles(files, await holdingsBelow(root)).lost === 0
      await until('all is there', isThere, { context: again.stderr })
      expect((await stop(again)).code).toBe(0)
      expect(compareWithFiles(files, await holdingsBelow(root))).toMatchObject(whole)
      return
    }
    const { code, stderr } = await start().ended
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/fix: .*move the state directory away/)
    expect(code).toBe(2)
  })

  it.each([
    ['destinations:\n  - ur: file:///x\n', /destinations\[0\].*ur.*did you mean url/s],
    ['destinations: [\n', /agent\.yaml:\d+/],
    ['', /destinations|sources/],
  ])('a configuration %j is refused with place and remedy', async (text, message) => {
    const { config } = await setUp()
    await writeFile(config, text)
    const { code, stderr } = await logcask(['agent', '-c', config])
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })

  it('a configuration that is not there: 2, with how to name one', async () => {
    const { directory } = await setUp()
    const { code, stderr } = await logcask(['agent', '-c', join(directory, 'nope.yaml')])
    expect(stderr).toMatch(/nope\.yaml.*\nfix: /)
    expect(code).toBe(2)
  })

  it('--once ends with 0 when all is everywhere, and with 1 at once when only a refusal is left', async () => {
    const { logs, root, config, configure } = await setUp()
    await writeFile(join(logs, 'app.log'), 'line\n')
    expect((await logcask(['agent', '-c', config, '--once'])).code).toBe(0)
    const server = await serve()
    await configure({
      destinations: [{ url: `file://${root}` }, { url: 's3://nope', endpoint: server.endpoint }],
    })
    const { code, stderr } = await logcask(['agent', '-c', config, '--once'])
    expect(stderr).toMatch(/nope DOWN .*NoSuchBucket.*\nfix: /)
    expect(code).toBe(1)
  })
})

describe.skipIf(!canMount())('the agent on a disk that is full', () => {
  const tmpfs = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs']

  it('I3: of the state: everything is delivered all the same, and the log says what to do', async () => {
    const { logs, state, root, start, file } = await setUp()
    await mounted(tmpfs, state, async () => {
      await writeFile(join(logs, 'app.log'), 'line\n')
      const first = start()
      const isKnown = async (): Promise<boolean> =>
        /file:/.test(await readFile(join(state, 'agent.json'), 'utf8').catch(() => ''))
      await until('it works', isKnown, { context: first.stderr })
      await writeFile(join(state, 'ballast'), Buffer.alloc(2 << 20)).catch(() => {})
      for (let at = 0; at < 50; at++) await writeFile(join(logs, `app.log.${at}`), `rotated ${at}\n`)
      const files = new Map<string, Uint8Array>()
      for (let at = 0; at < 50; at++) for (const [path, bytes] of await file(`app.log.${at}`)) files.set(path, bytes)
      const isThere = async (): Promise<boolean> => compareWithFiles(files, await holdingsBelow(root)).lost === 0
      await until('all is there', isThere, { context: first.stderr })
      await until('it says so', () => /ENOSPC.*free space/s.test(first.stderr()), { context: first.stderr })
      expect((await stop(first)).code).toBe(0)
      await appendFile(join(logs, 'app.log'), 'more\n')
      for (const [path, bytes] of await file('app.log')) files.set(path, bytes)
      const second = start()
      await until('what came meanwhile is there', isThere, { context: second.stderr })
      expect((await stop(second)).code).toBe(0)
      expect(compareWithFiles(files, await holdingsBelow(root))).toMatchObject(whole)
    })
  })

  it('of the state, from the start: one message with the remedy', async () => {
    const { state, start } = await setUp()
    await mounted(tmpfs, state, async () => {
      await writeFile(join(state, 'ballast'), Buffer.alloc(2 << 20)).catch(() => {})
      const { code, stderr } = await start().ended
      expect(stderr).toMatch(/state.*(ENOSPC|full)/)
      expect(stderr).toMatch(/fix: free space/)
      expect(code).toBe(75)
    })
  })

  it('I5: of a file:// store: the other is complete; once there is space, so is this one', async () => {
    const { directory, logs, root, configure, start, file } = await setUp()
    const small = join(directory, 'small')
    await configure({ destinations: [{ url: `file://${root}` }, { name: 'small', url: `file://${small}` }] })
    await mounted(tmpfs, small, async () => {
      await writeFile(join(logs, 'app.log'), 'line\n')
      const agent = start()
      await until('both have begun', async () => (await holdingsBelow(small)).size > 5, { context: agent.stderr })
      await writeFile(join(small, 'lost+found'), Buffer.alloc(2 << 20)).catch(() => {})
      await appendFile(join(logs, 'app.log'), patternBytes(300_000))
      const files = await file('app.log')
      const isAt = (store: string) => async () => compareWithFiles(files, await holdingsBelow(store)).lost === 0
      await until('the other has all', isAt(root), { context: agent.stderr })
      await until('the full one is named', () => /small.*ENOSPC/.test(agent.stderr()), { context: agent.stderr })
      await rm(join(small, 'lost+found'))
      await until('this one has all', isAt(small), { context: agent.stderr, withinMs: 50_000 })
      const { code } = await stop(agent)
      expect(code).toBe(0)
      for (const store of [root, small])
        expect(compareWithFiles(files, await holdingsBelow(store))).toMatchObject({ lost: 0, different: [] })
    })
  })
})
