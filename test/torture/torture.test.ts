import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { faultS3Env, startFaultS3 } from '../support/fault-s3.ts'
import { tempDirectory } from '../support/temp-directory.ts'

/** A net for what hangs: all of it takes 20 s where nothing else runs. */
const timeoutMs = 300_000

const main = join(import.meta.dirname, 'torture.ts')

interface Ended {
  code: number
  stdout: string
  stderr: string
}

function torture(args: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env.PATH, ...faultS3Env }
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

describe('torture', () => {
  it(
    'I1, I2: a sample against the fault server: nothing lost, doubled or rewritten',
    async () => {
      const server = await startFaultS3()
      onTestFinished(() => server.close())
      const url = `s3://bucket/mine?endpoint=${server.endpoint}`
      const { code, stdout, stderr } = await torture(['--to', url, '--minutes', '0.12', '--agents', '1', '--seed', '5'])
      expect(stdout.trim().split('\n').at(-1), stdout + stderr).toBe('0 lost · 0 doubled · 0 rewritten · passed')
      expect(code).toBe(0)
      // All in a room of its own, all left behind.
      expect(server.objects.keys().filter((key) => !/^mine\/torture-[a-z0-9]+\//.test(key))).toEqual([])
      expect(server.requests.filter(({ method }) => method === 'DELETE')).toEqual([])
    },
    timeoutMs,
  )

  it(
    'I1: kills and rotations alone, with file://',
    async () => {
      const url = `file://${await tempDirectory('torture')}`
      const args = ['--to', url, '--minutes', '0.08', '--agents', '2', '--seed', '6', '--json']
      const { code, stdout, stderr } = await torture(args)
      expect({ code, ...JSON.parse(stdout) }, stderr).toMatchObject({
        code: 0,
        isSound: true,
        seed: 6,
        verdict: { lostBytes: 0, doubledBytes: 0 },
        sightings: { rewritten: [], vanished: [] },
      })
      expect(JSON.parse(stdout).proxy).toBeUndefined()
    },
    timeoutMs,
  )

  it('a store that overwrites is refused before anything is tried', async () => {
    const server = await startFaultS3()
    onTestFinished(() => server.close())
    server.fault(() => ({ kind: 'ignore' }))
    const { code, stderr } = await torture(['--to', `s3://bucket?endpoint=${server.endpoint}`])
    expect(code).toBe(2)
    expect(stderr).toContain('do not ship yet')
    expect(server.objects.keys().filter((key) => !key.includes('/probes/'))).toEqual([])
  })

  it.each([
    [[], '--to'],
    [['--to', 's3://bucket', '--minutes', 'x'], '--minutes x: is not'],
    [['--to', 's3://bucket?endpoint=http://127.0.0.1:9'], 'ECONNREFUSED'],
  ])('%o is refused with what to do', async (args, what) => {
    const { code, stderr } = await torture(args)
    expect(code).toBe(2)
    expect(stderr).toContain(what)
  })
})
