import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { cat, verify } from '../../src/index.ts'
import { eventually } from '../cli/reader-bucket.ts'
import { logcask } from '../scenarios/logcask-process.ts'
import { mainFile } from '../scenarios/main-file.ts'
import { faultS3Env } from '../support/fault-s3.ts'
import { faults } from '../support/fault-s3-faults.ts'
import { faultS3 } from '../support/fault-s3-fixture.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const bytes = Buffer.from(patternBytes(24 * 1024 * 1024, 5))

/** The files that keep what came in. */
async function spools(runs: string): Promise<string[]> {
  return (await readdir(runs).catch(() => [])).map((run) => join(runs, run, 'pipes/job.log'))
}

/** Writes into `logcask ARGS` as it takes them; kills it `ms` after so many bytes have come in. */
async function pipeAndKill(args: readonly string[], runs: string, length: number, ms: number): Promise<void> {
  const env = { PATH: process.env.PATH, ...faultS3Env }
  const child = spawn(process.execPath, [mainFile, ...args], { stdio: ['pipe', 'ignore', 'ignore'], env })
  onTestFinished(() => void child.kill('SIGKILL'))
  // The pipe breaks when its reader is killed.
  child.stdin.on('error', () => {})
  child.stdin.write(bytes)
  const ended = once(child, 'close')
  await eventually(async () => {
    const [file = ''] = await spools(runs)
    const { size } = await stat(file).catch(() => ({ size: 0 }))
    return size >= length || undefined
  })
  await new Promise((resolve) => setTimeout(resolve, ms))
  child.kill('SIGKILL')
  await ended
}

describe('kill -9 of a pipe, with a store that fails a third of its requests', () => {
  it.each([1, 2, 3])(
    'I1: all that was taken in is delivered once, and sealed, by whoever comes next (seed %i)',
    async (seed) => {
      const random = seededRandom(seed)
      const server = await faultS3()
      let requests = 0
      const troubles = [faults['503'], faults['lost-before'], faults.lost]
      server.fault(({ attempt }) => (attempt > 1 || requests++ % 3 !== 0 ? undefined : random.pick(troubles)))
      const state = join(await tempDirectory('kill-pipe'), 'state')
      const url = `s3://bucket/pre?endpoint=${server.endpoint}`
      const args = ['ship', '-', '--as', 'job.log', '--to', url, '--host', 'web-1', '--state', state]
      const runs = join(state, 'pipes/runs/job.log')
      await pipeAndKill(args, runs, random.int(1, bytes.length), random.int(0, 1_500))
      const [file = ''] = await spools(runs)
      const expected = await readFile(file)
      const { code, stderr } = await logcask(args)
      expect(code, stderr).toBe(0)
      expect(bytes.subarray(0, expected.length).equals(expected)).toBe(true)
      const { verdict, streams } = await verify(url)
      expect({ verdict, streams: streams.length }).toEqual({ verdict: 'fine', streams: 1 })
      expect(streams[0]).toMatchObject({ path: '/pipes/job.log', state: 'sealed', bytes: expected.length, strays: 0 })
      const parts: Uint8Array[] = []
      for await (const part of cat(url, 'web-1', 'job.log')) parts.push(part)
      expect(sha256(Buffer.concat(parts))).toBe(sha256(expected))
      expect(await readdir(runs)).toEqual([])
    },
  )
})
