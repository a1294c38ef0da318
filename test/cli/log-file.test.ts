import { copyFile, mkdir, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LogFile } from '../../src/cli/agent/log-file.ts'
import { type Running, startLogcask, until } from '../scenarios/logcask-process.ts'
import { startFaultS3 } from '../support/fault-s3.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { canMount, mounted } from '../support/mounts.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

guardLeaks()

async function openLog(path?: string) {
  const clock = createVirtualClock()
  const file = path ?? join(await tempDirectory('log'), 'agent.log')
  const log = new LogFile(file, clock)
  onTestFinished(() => log.close())
  return { clock, file, log }
}

describe('a log file that is rotated', () => {
  it('by renaming it: within a second the next lines go to the new one', async () => {
    const { clock, file, log } = await openLog()
    log.write('one\n')
    await rename(file, `${file}.1`)
    log.write('two\n')
    await clock.advance(1_001)
    log.write('three\n')
    expect([await readFile(`${file}.1`, 'utf8'), await readFile(file, 'utf8')]).toEqual(['one\ntwo\n', 'three\n'])
    expect((await stat(file)).mode & 0o777).toBe(0o640)
  })

  it('by copying and truncating it: no hole', async () => {
    const { file, log } = await openLog()
    log.write('one\n')
    await copyFile(file, `${file}.1`)
    await truncate(file)
    log.write('two\n')
    expect(await readFile(file, 'utf8')).toBe('two\n')
  })

  it('and whose directory is away goes on in the old file until it is back', async () => {
    const directory = join(await tempDirectory('log'), 'logs')
    await mkdir(directory)
    const { clock, log } = await openLog(join(directory, 'agent.log'))
    await rename(directory, `${directory}.away`)
    await clock.advance(2_000)
    log.write('one\n')
    await mkdir(directory)
    await clock.advance(2_000)
    log.write('two\n')
    expect(await readFile(join(`${directory}.away`, 'agent.log'), 'utf8')).toBe('one\n')
    expect(await readFile(join(directory, 'agent.log'), 'utf8')).toBe('two\n')
  })

  it('that cannot be written is refused with the remedy', async () => {
    const directory = await tempDirectory('log')
    await mkdir(join(directory, 'a-directory'))
    for (const name of ['missing/agent.log', 'a-directory'])
      expect(() => new LogFile(join(directory, name), createVirtualClock())).toThrow(
        expect.objectContaining({ code: 'invalid', hint: expect.stringContaining('leave log.file out') }),
      )
  })

  it.skipIf(!canMount())(
    'on a full disk loses lines, says how many, and tears none (needs root and mounts)',
    async () => {
      const directory = join(await tempDirectory('log'), 'small')
      await mounted(['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs'], directory, async () => {
        const { file, log } = await openLog(join(directory, 'agent.log'))
        for (let line = 0; line < 2_000; line++) log.write(`{"msg":"${'x'.repeat(100)}"}\n`)
        await truncate(file)
        log.write('{"msg":"after"}\n')
        const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
        expect(lines.map((line) => JSON.parse(line))).toEqual([
          { level: 'warn', msg: 'log lines lost', count: expect.any(Number) },
          { msg: 'after' },
        ])
      })
    },
  )
})

describe("the agent's own log among the files that it ships", () => {
  interface Entry {
    level: string
    msg: string
    path?: string
  }

  async function start(level: string, to: 'file' | 'stderr') {
    const directory = await tempDirectory('own-log')
    const logs = join(directory, 'logs')
    await mkdir(logs)
    await writeFile(join(logs, 'app.log'), 'one\n')
    const server = await startFaultS3()
    onTestFinished(() => server.close())
    const config = join(directory, 'agent.yaml')
    const own = join(logs, 'agent.log')
    await writeFile(
      config,
      JSON.stringify({
        host: 'web-1',
        state: join(directory, 'state'),
        log: to === 'file' ? { level, file: own } : { level },
        scanInterval: '1s',
        sources: [{ name: 'logs', include: [`${logs}/*.log*`], sealAfter: '1s' }],
        destinations: [{ url: 's3://bucket', endpoint: server.endpoint, budget: { burst: 1000, everySeconds: 0.1 } }],
      }),
    )
    const agent = startLogcask(
      ['agent', '-c', config],
      to === 'file' ? {} : { by: ['sh', '-c', 'exec "$@" 2>>"$0"', own] },
    )
    const entries = async (path = own): Promise<Entry[]> =>
      (await readFile(path, 'utf8')).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    /** Nothing is sent and nothing said any more, for three scans. */
    const rest = async (): Promise<void> => {
      let before = ''
      let since = performance.now()
      await until(
        'it comes to rest',
        async () => {
          const now = `${(await stat(own)).size} ${server.objects.keys('segments/').length}`
          if (now !== before) since = performance.now()
          before = now
          return performance.now() - since > 3_000
        },
        { everyMs: 100, withinMs: 90_000, context: agent.stderr },
      )
    }
    return { agent, own, logs, server, entries, rest }
  }

  async function stop(agent: Running): Promise<void> {
    agent.process.kill('SIGTERM')
    expect((await agent.ended).code).toBe(0)
  }

  it.each(['info', 'debug'])(
    'comes to rest at level %s, also when it is rotated',
    async (level) => {
      const { agent, own, logs, entries, rest, server } = await start(level, 'file')
      await until('it is there', () => server.objects.keys('segments/').length >= 2, {
        context: agent.stderr,
        withinMs: 90_000,
      })
      await rest()
      const before = (await entries()).length
      for (let line = 0; line < 5; line++) {
        await writeFile(join(logs, 'app.log'), `line ${line}\n`, { flag: 'a' })
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await rest()
      const grown = (await entries()).slice(before)
      // At info no line tells of a segment; at debug those of the log itself are left out.
      if (level === 'info') expect(grown).toEqual([])
      expect(grown.every(({ msg, path }) => msg === 'acked' && path?.endsWith('app.log'))).toBe(true)
      expect(grown.length).toBeLessThanOrEqual(5)

      await rename(own, `${own}.1`)
      await until(
        'it goes on in a new file',
        () =>
          stat(own).then(
            () => true,
            () => false,
          ),
        { context: agent.stderr, withinMs: 90_000 },
      )
      await rest()
      const after = await entries()
      expect(after.length).toBeGreaterThan(0)
      expect(after.length).toBeLessThan(10)
      await stop(agent)
      expect((await entries()).map(({ msg }) => msg)).toContain('draining')
      expect(agent.stderr()).toBe('')
    },
    300_000,
  )

  it('comes to rest where it is what stderr leads to, at level debug', async () => {
    const { agent, entries, rest, server } = await start('debug', 'stderr')
    await until('it is there', () => server.objects.keys('segments/').length >= 2)
    await rest()
    expect((await entries()).filter(({ msg }) => msg === 'acked').map(({ path }) => path)).toEqual([
      expect.stringMatching(/app\.log$/),
    ])
    await stop(agent)
  }, 300_000)
})
