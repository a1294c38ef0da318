import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startLogcask, until } from '../scenarios/logcask-process.ts'
import { compareWithFiles, holdingsBelow } from '../scenarios/stored-content.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

describe('an agent whose files the command line names', () => {
  it('streams them, also when they are rotated, to each destination; SIGHUP changes nothing', async () => {
    const directory = await tempDirectory('words')
    const logs = join(directory, 'logs')
    const [app, odd] = [join(logs, 'app.log'), join(logs, `od[d] $\{HOME}.log`)]
    await mkdir(logs)
    await writeFile(app, 'one\n')
    await writeFile(odd, 'odd\n')
    await writeFile(join(logs, 'other.log'), 'not asked for')
    const stores = [join(directory, 'a'), join(directory, 'b')]
    const to = stores.flatMap((store) => ['--to', `file://${store}`])
    const running = startLogcask(['agent', app, odd, ...to, '--state', join(directory, 'state')])
    const files = new Map([
      [app, Buffer.from('one\n')],
      [odd, Buffer.from('odd\n')],
    ])
    const isThere = async (): Promise<boolean> => {
      const compared = await Promise.all(
        stores.map(async (store) => compareWithFiles(files, await holdingsBelow(store))),
      )
      return compared.every(({ lost, doubled, different }) => lost + doubled + different.length === 0)
    }
    await until('both are there', isThere, { context: running.stderr })
    running.process.kill('SIGHUP')
    await until('it was read again', () => running.stderr().includes('configuration taken'), {
      context: running.stderr,
    })
    await rename(app, `${app}.1`)
    await appendFile(`${app}.1`, 'late\n')
    await writeFile(app, 'two\n')
    files.delete(app)
    files.set(`${app}.1`, Buffer.from('one\nlate\n')).set(app, Buffer.from('two\n'))
    await until('what was rotated and what is new is there', isThere, { context: running.stderr })
    running.process.kill('SIGTERM')
    expect((await running.ended).code).toBe(0)
  })

  it.each([
    [['a.log'], 'no destination is named'],
    [['--to', 'file:///b'], 'no file is named'],
    [['a.log', '--to', 'file:///b', '-c', 'x.yaml'], 'a configuration, and files or --to beside it'],
    [['a.log', '--to', 'http://b/'], 'the command line: destinations[0].url: http://b/: has the unknown scheme http:'],
  ])('exit 2: %j', async (words, problem) => {
    const { code, stderr } = await commandLine(['agent', ...words])
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
  })
})
