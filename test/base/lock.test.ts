import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { acquireLock } from '../../src/base/lock.ts'

const ownerProgram = fileURLToPath(new URL('lock-owner.ts', import.meta.url))

describe('lock', () => {
  let directory = ''
  const children: ChildProcess[] = []
  const path = (): string => join(directory, 'lock')

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'logcask-lock-'))
  })

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(directory, { recursive: true })
  })

  function start(...args: string[]): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> } {
    const child = spawn(process.execPath, [ownerProgram, path(), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }

  async function holder(): Promise<ChildProcess> {
    const child = start()
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
    expect(line).toBe('held\n')
    return child
  }

  it('lets one in at a time, also within one process', async () => {
    const lock = await acquireLock(path(), systemClock)
    await expect(acquireLock(path(), systemClock)).rejects.toMatchObject({ code: 'conflict' })
    await lock.release()
    await lock.release()
    await (await acquireLock(path(), systemClock)).release()
  })

  it('names the owner and what to do', async () => {
    const owner = await holder()
    await expect(acquireLock(path(), systemClock)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`process ${owner.pid} on ${hostname()} since `),
      hint: expect.stringContaining(`kill ${owner.pid}`),
    })
  })

  it('refuses also where the owner file is gone or broken', async () => {
    await holder()
    await writeFile(`${path()}.owner`, '{"pid":')
    await expect(acquireLock(path(), systemClock)).rejects.toMatchObject({ code: 'conflict', hint: 'stop it first' })
    await rm(`${path()}.owner`)
    await expect(acquireLock(path(), systemClock)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('is free as soon as its owner was killed, whatever it left behind', async () => {
    const owner = await holder()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await (await acquireLock(path(), systemClock)).release()
  })

  it('many processes that meet after the owner was killed: one has it', async () => {
    const owner = await holder()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    const rivals = Array.from({ length: 6 }, () => start())
    const said = await Promise.all(rivals.map(async (rival) => (await once(rival.stdout, 'data')).toString()))
    expect(said.toSorted()).toEqual([...Array(5).fill('conflict\n'), 'held\n'])
  })

  it('processes that take and release it as fast as they can are never inside together', async () => {
    const rivals = Array.from({ length: 4 }, () => start('40'))
    expect(await Promise.all(rivals.map((rival) => text(rival.stdout)))).toEqual(Array(4).fill('won 40\n'))
  })

  it('says what is wrong where the directory is missing', async () => {
    await expect(acquireLock(join(directory, 'none', 'lock'), systemClock)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(join(directory, 'none', 'lock')),
      hint: expect.stringContaining('must exist'),
    })
  })
})
