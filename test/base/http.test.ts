import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const sources = join(import.meta.dirname, '../../src')

/** Whether a process that loads these has undici in memory, and an answer to show that it has loaded them. */
async function load(...paths: string[]): Promise<{ exports: number; hasUndici: boolean }> {
  const script = `
    let exports = 0
    for (const path of ${JSON.stringify(paths.map((path) => join(sources, path)))}) exports += Object.keys(await import(path)).length
    const hasUndici = process.moduleLoadList.some((name) => name.includes('deps/undici/undici'))
    process.stdout.write(JSON.stringify({ exports, hasUndici }))`
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout)
}

it('I7: an agent with its store and its metrics does not hold undici', async () => {
  const paths = ['cli/agent.ts', 'cli/ship.ts', 'bucket/s3.ts', 'server/listen.ts', 'cli/compose/compose-agent.ts']
  const { exports, hasUndici } = await load(...paths)
  expect(exports).toBeGreaterThan(paths.length)
  expect(hasUndici).toBe(false)
}, 120_000)

it('node:http that is imported brings it along', async () => {
  const script = `await import('node:http'); process.stdout.write(String(process.moduleLoadList.some((name) => name.includes('deps/undici/undici'))))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout).toBe('true')
})
