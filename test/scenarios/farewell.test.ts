import { execFile, execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { faultS3Env } from '../support/fault-s3.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { alone, aloneTimeout, aloneWithServer } from './alone.ts'
import { streamsOf } from './bucket-view.ts'
import { expectNothingElse } from './family.ts'
import { type Ended, spawnLogcask, until } from './logcask-process.ts'
import { mainFile } from './main-file.ts'
import { Program } from './programs/program.ts'
import type { Stage } from './stage.ts'

guardLeaks()

const run = (stage: Stage, command: string, ...args: string[]): Promise<Ended> =>
  spawnLogcask([command, ...args, '-c', stage.config]).ended
const outcome = ({ code, stderr }: Ended): { code: number | null; stderr: string } => ({
  code,
  stderr: code === 0 ? '' : stderr,
})
const fine = { code: 0, stderr: '' }

const spooled = (stage: Stage): string[] => {
  const directory = join(stage.state, 'spool')
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : []
}
/** The agent has seen so many bytes that it could not deliver. */
const isSeen = (stage: Stage, bytes: number): Promise<void> =>
  until('the agent has seen it', () => {
    const path = join(stage.state, 'status.json')
    if (!existsSync(path)) return false
    const status = JSON.parse(readFileSync(path, 'utf8')) as { destinations: { behindBytes: number }[] }
    return status.destinations[0]?.behindBytes === bytes
  })

describe('the rescue spool', () => {
  for (const how of ['kill', 'stop'] as const)
    it(
      `I6: a file that is deleted while the store is down is delivered after ${how === 'kill' ? 'kill -9' : 'a stop'} and a start`,
      aloneTimeout,
      async (context) => {
        const { stage, room, server } = await aloneWithServer(context, 'spool', { settings: { drainTimeout: '1s' } })
        const kept = room.create('kept.log').lines(5)
        await stage.agent.start()
        await room.holds(kept)
        const heal = server.fault(() => faults['503'])
        const file = room.create('app.log').lines(5_000)
        await isSeen(stage, file.content.length)
        file.close()
        unlinkSync(room.path('app.log'))
        await until('it is in the spool', () => spooled(stage).length === 1)
        await stage.agent[how]()
        heal()
        await stage.agent.start()
        await room.holds(kept, file)
        await room.isSealed(file)
        await until('the spool is empty', () => spooled(stage).length === 0)
        await stage.agent.stop()
        await expectNothingElse(stage, [room])
      },
    )

  it('I6: one that is full is an alarm in log and status, exit status 3, and a gap', aloneTimeout, async (context) => {
    const settings = { spool: '1KiB', drainTimeout: '1s' }
    const { stage, room, server } = await aloneWithServer(context, 'spool-full', { settings })
    const file = room.create('app.log').lines(100)
    await stage.agent.start()
    await room.holds(file)
    const delivered = file.content.length
    const heal = server.fault(() => faults['503'])
    file.lines(200)
    await isSeen(stage, file.content.length - delivered)
    file.close()
    unlinkSync(room.path('app.log'))
    await until('the alarm is in the log', () => /"place":"spool".*is full/.test(stage.agent.said()))
    await until('the alarm is in the status', async () => (await run(stage, 'status')).stderr.includes('is full'))
    await expect(stage.agent.stop()).rejects.toThrow(/ended with 3/)
    heal()
    await stage.agent.start()
    const lost = [`${delivered} unspooled`, `${delivered}-${file.content.length} unspooled`]
    await until('the gap is there', async () => (await room.view()).some(({ gaps }) => gaps.length > 0))
    const [view] = await room.view()
    expect(view?.content.equals(file.content.subarray(0, delivered))).toBe(true)
    expect(view?.gaps.length).toBeGreaterThan(0)
    expect(lost).toEqual(expect.arrayContaining(view?.gaps ?? []))
    await stage.agent.stop()
  })
})

describe('logcask drain', () => {
  it('live and rotated files are sealed everywhere; the receipt says what', aloneTimeout, async (context) => {
    const { stage, room } = await alone(context, 'drain')
    const [old, live] = [room.create('app.log').lines(300), room.create('live.log').lines(10)]
    await stage.agent.start()
    await room.holds(old, live)
    expect(await run(stage, 'drain')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/stop the agent first/),
    })
    await stage.agent.stop()
    renameSync(room.path('app.log'), room.path('app.log.1'))
    const fresh = room.create('app.log').lines(7)
    live.lines(3)
    const { code, stdout, stderr } = await run(stage, 'drain', '--receipt', '--json')
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual(fine)
    const receipts = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const lengths = [old, live, fresh].map(({ content }) => content.length).sort()
    expect(receipts.map(({ length }) => length).sort()).toEqual(lengths)
    await room.holds(old, live, fresh)
    for (const file of [old, live, fresh]) await room.isSealed(file)
    const before = (await stage.objects()).size
    expect(outcome(await run(stage, 'drain'))).toEqual(fine)
    expect((await stage.objects()).size).toBe(before)
    await expectNothingElse(stage, [room])
  })

  it('what was deleted undelivered, and only kept here, is delivered first', aloneTimeout, async (context) => {
    const { stage, room, server } = await aloneWithServer(context, 'drain-spool', {
      settings: { drainTimeout: '1s' },
    })
    const heal = server.fault(() => faults['503'])
    await stage.agent.start().catch(() => {})
    const file = room.create('app.log').lines(1_000)
    await isSeen(stage, file.content.length)
    file.close()
    unlinkSync(room.path('app.log'))
    await until('it is in the spool', () => spooled(stage).length === 1)
    await stage.agent.stop()
    expect(await run(stage, 'drain', '--timeout', '3s')).toMatchObject({ code: 75 })
    heal()
    const { code, stdout, stderr } = await run(stage, 'drain', '--receipt')
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual(fine)
    expect(stdout.toString()).toContain(`${file.content.length}  `)
    await room.holds(file)
    await room.isSealed(file)
    expect(spooled(stage)).toEqual([])
  })

  it(
    'what a store lost since is sent again; one that refuses is 1; a writer that goes on is 75',
    aloneTimeout,
    async (context) => {
      const { stage, room, server } = await aloneWithServer(context, 'drain-lack')
      const file = room.create('app.log').lines(500)
      expect(outcome(await run(stage, 'drain'))).toEqual(fine)
      for (const key of server.objects.keys('segments/')) server.objects.purge(key)
      expect(outcome(await run(stage, 'drain'))).toEqual(fine)
      await room.holds(file)
      file.lines(1)
      const heal = server.fault(() => faults.denied)
      expect(await run(stage, 'drain')).toMatchObject({ code: 1, stderr: expect.stringMatching(/fix:/) })
      heal()
      const writing = setInterval(() => file.lines(1), 2)
      try {
        const { code, stderr } = await run(stage, 'drain')
        expect({ code, stderr }).toEqual({ code: 75, stderr: expect.stringMatching(/stop its writer/) })
      } finally {
        clearInterval(writing)
      }
    },
  )

  it(
    'files that go whole: what no writer holds is complete now; what one holds is named',
    aloneTimeout,
    async (context) => {
      const whole = { mode: 'when-complete', as: '{filename}', compress: 'gzip' }
      const { stage, room } = await alone(context, 'drain-whole', { source: whole })
      const hour = `${new Date().toISOString().slice(0, 13)}Z`
      const held = room.create(`app-${hour}.log`).lines(100)
      writeFileSync(room.path('done.log'), 'all of it\n')
      const first = await run(stage, 'drain')
      expect(first).toMatchObject({ code: 75, stderr: expect.stringMatching(/is not complete: a process has it open/) })
      held.close()
      const { code, stdout, stderr } = await run(stage, 'drain', '--receipt', '--json')
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual(fine)
      const receipts = stdout
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { path: string; length: number })
      expect(receipts.map(({ path, length }) => [path, length]).sort()).toEqual(
        [
          [room.path(`app-${hour}.log`), held.content.length],
          [room.path('done.log'), 10],
        ].sort(),
      )
      for (const name of readdirSync(stage.bucket, { recursive: true, withFileTypes: true }))
        if (name.isFile() && name.name.startsWith('done.log')) unlinkSync(join(name.parentPath, name.name))
      // Stored by another tool, with nothing that says whose it is: what it holds counts.
      writeFileSync(join(stage.bucket, 'planted.log.gz'), gzipSync('by logjam\n'))
      writeFileSync(room.path('planted.log'), 'by logjam\n')
      expect(outcome(await run(stage, 'drain'))).toEqual(fine)
      expect(readdirSync(stage.bucket, { recursive: true }).some((name) => String(name).includes('done.log'))).toBe(
        true,
      )
    },
  )
})

describe('logcask wait', () => {
  it(
    'ends when all that was there is there; names what is behind; without an agent it is 1',
    aloneTimeout,
    async (context) => {
      const { stage, room, server } = await aloneWithServer(context, 'wait')
      const file = room.create('app.log').lines(10)
      expect(await run(stage, 'wait', room.path('app.log'))).toMatchObject({
        code: expect.toSatisfy((code) => code === 1 || code === 2),
      })
      await stage.agent.start()
      for (let round = 0; round < 3; round++) {
        file.lines(100)
        expect(outcome(await run(stage, 'wait', room.path('*.log'), '--timeout', '30s'))).toEqual(fine)
        await expectContent(stage, file.content)
      }
      const heal = server.fault(() => faults['503'])
      file.lines(100)
      const late = await run(stage, 'wait', room.path('app.log'), '--timeout', '2s')
      expect(late).toMatchObject({ code: 75, stderr: expect.stringMatching(/app\.log → .* behind/) })
      heal()
      // Cut and written anew: what the agent knew of the file before says nothing of what is in it now.
      expect(outcome(await run(stage, 'wait', room.path('app.log')))).toEqual(fine)
      file.truncate()
      file.lines(5)
      expect(outcome(await run(stage, 'wait', room.path('app.log')))).toEqual(fine)
      await expectContent(stage, file.content)
      expect(await run(stage, 'wait', mainFile)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/does not watch it/),
      })
      expect(await run(stage, 'wait', room.path('app.log'), '--to', 'nobody')).toMatchObject({ code: 2 })
      await stage.agent.stop()
      expect(await run(stage, 'wait', room.path('app.log'))).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/no agent works here/),
      })
    },
  )
})

/** A program to its end, beside this process's servers. */
function shell(
  [program = '', ...args]: string[],
  options: { env: Record<string, string>; cwd?: string },
): Promise<{ code: number; stderr: string }> {
  const env = { ...faultS3Env, ...options.env }
  return new Promise((resolve) => {
    execFile(program, args, { ...options, env }, (error, _stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stderr })
    })
  })
}

/** At this very moment: nobody waits here. */
async function expectContent(stage: Stage, content: Buffer): Promise<void> {
  const streams = streamsOf(await stage.objects())
  expect(streams.some((stream) => stream.content.equals(content))).toBe(true)
}

describe('the recipes of docs/farewell.md', () => {
  const guide = readFileSync(fileURLToPath(new URL('../../docs/farewell.md', import.meta.url)), 'utf8')
  /** The block that holds these words. */
  const block = (words: string): string => {
    const found = [...guide.matchAll(/```[a-z]*\n([\s\S]*?)```/g)]
      .map(([, text = '']) => text)
      .find((text) => text.includes(words))
    if (found === undefined) throw new Error(`there is no block with ${words}`)
    return found
  }
  /** A directory for the PATH, with `logcask -c` and programs that note how they were called. */
  async function tools(
    stage: Pick<Stage, 'config'>,
    stubs: Record<string, string>,
  ): Promise<{ path: string; calls: () => string }> {
    const path = await tempDirectory('tools')
    const program = (name: string, text: string): void => {
      writeFileSync(join(path, name), `#!/bin/sh\n${text}\n`)
      chmodSync(join(path, name), 0o755)
    }
    program('logcask', `exec '${process.execPath}' '${mainFile}' "$@" -c '${stage.config}'`)
    for (const [name, text] of Object.entries(stubs)) program(name, `echo ${name} "$@" >> '${path}/calls'\n${text}`)
    return { path, calls: () => (existsSync(join(path, 'calls')) ? readFileSync(join(path, 'calls'), 'utf8') : '') }
  }

  it(
    'EC2: the hook is completed on 0 and only then; a heartbeat while it may get better',
    aloneTimeout,
    async (context) => {
      const { stage, room, server } = await aloneWithServer(context, 'hook')
      const file = room.create('app.log').lines(10)
      const { path, calls } = await tools(stage, { aws: '', systemctl: '' })
      const script = join(path, 'farewell')
      writeFileSync(script, block('complete-lifecycle-action').replace('--timeout 5m', '--timeout 10s'))
      const env = { PATH: `${path}:${process.env.PATH}`, RECEIPT: join(path, 'receipt') }
      const farewell = async (): Promise<number | null> =>
        (await shell(['sh', script, 'hook', 'group', 'i-1'], { env })).code
      const allow = server.fault(() => faults.denied)
      expect(await farewell()).toBe(1)
      expect(calls()).not.toMatch(/autoscaling/)
      allow()
      const heal = server.fault(() => faults['503'])
      const healing = setInterval(() => calls().includes('heartbeat') && heal(), 100)
      expect(await farewell()).toBe(0)
      clearInterval(healing)
      const said = calls()
        .split('\n')
        .filter((line) => line.includes('autoscaling'))
      expect(said.at(-1)).toMatch(/complete-lifecycle-action .*--instance-id i-1 --lifecycle-action-result CONTINUE/)
      expect(said.slice(0, -1).every((line) => line.includes('record-lifecycle-action-heartbeat'))).toBe(true)
      expect(said.length).toBeGreaterThan(1)
      await room.isSealed(file)
      expect(readFileSync(join(path, 'receipt'), 'utf8')).toContain(room.path('app.log'))
    },
  )

  const logrotate = new Program('logrotate')
  it.skipIf(logrotate.path === undefined)(
    `logrotate: prerotate waits until the log is delivered${logrotate.missing}`,
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, 'prerotate')
      const file = room.create('app.log').lines(10)
      await stage.agent.start()
      const { path } = await tools(stage, {})
      const config = join(stage.directory, 'logrotate.conf')
      writeFileSync(
        config,
        block('prerotate')
          .replace('/var/log/app/*.log', room.path('*.log'))
          .replace('logcask wait', `${path}/logcask wait`),
      )
      execFileSync('chmod', ['755', room.directory, stage.logs])
      file.lines(5_000)
      logrotate.run(['-f', '-s', join(stage.directory, 'logrotate.state'), config])
      const before = file.wasTruncated()
      await expectContent(stage, before.content)
      file.lines(3)
      await room.holds(before, file)
      await stage.agent.stop()
    },
  )

  it(
    'CI: the job fails with 75 where its logs are not delivered, else as its tests did',
    aloneTimeout,
    async (context) => {
      const { stage, room, server } = await aloneWithServer(context, 'ci')
      await stage.agent.start()
      const { path } = await tools(stage, { make: 'exit 3' })
      mkdirSync(room.path('build/logs'), { recursive: true })
      const job = block('make test').replace('--timeout 2m', '--timeout 3s')
      const env = { PATH: `${path}:${process.env.PATH}` }
      const options = { env, cwd: room.directory }
      room.create('build/logs/test.log').lines(100)
      expect((await shell(['sh', '-c', job], options)).code).toBe(3)
      const heal = server.fault(() => faults['503'])
      room.create('build/logs/more.log').lines(100)
      expect((await shell(['sh', '-c', job], options)).code).toBe(75)
      heal()
      await stage.agent.stop()
    },
  )
})
