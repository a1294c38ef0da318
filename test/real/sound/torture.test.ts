import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { bareStore, store, storeEnv } from '../store.ts'

const main = join(import.meta.dirname, '../../torture/torture.ts')

/** 20 s of faults, kills and rotations; the long form: node test/torture/against-server.ts versitygw --minutes 5 */
it(`I1, I2: torture finds nothing lost, doubled or rewritten on ${store.name}`, async () => {
  const { name, close } = await bareStore()
  close()
  const args = [main, '--to', `s3://${name}/`, '--minutes', '0.33', '--agents', '2', '--seed', '1']
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, args, { env: { PATH: process.env.PATH, ...storeEnv } }, (_, stdout, stderr) =>
      resolve({ stdout, stderr }),
    )
  })
  process.stdout.write(stdout)
  expect(stdout.trim().split('\n').at(-1), stderr).toBe('0 lost · 0 doubled · 0 rewritten · passed')
}, 300_000)
