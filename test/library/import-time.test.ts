import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const entry = join(import.meta.dirname, '../../src/index.ts')

/** Imports the package in a process of its own, and tells what that brought in. */
const program = `
import { readdirSync } from 'node:fs'
import { registerHooks } from 'node:module'
const loaded = []
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
const fds = () => readdirSync('/proc/self/fd').length
const env = JSON.stringify(process.env)
const listeners = () => process.eventNames().map((name) => [String(name), process.listenerCount(name)])
// What the runtime itself opens for a first import is no doing of ours.
await import('data:text/javascript,export default 1')
const before = [fds(), process.getActiveResourcesInfo(), listeners()]
const { cat, ship, ...rest } = await import(${JSON.stringify(entry)})
// Nor does it cost anything to name what is to be read.
const content = cat('s3://bucket/prefix', 'web-1', '/var/log/app.log')
const after = [fds(), process.getActiveResourcesInfo(), listeners()]
const isSame = JSON.stringify(before) === JSON.stringify(after) && env === JSON.stringify(process.env)
const names = ['cat', 'ship', ...Object.keys(rest)].sort()
process.stdout.write(JSON.stringify({ loaded, isSame, before, after, names, source: String(content.source) }))
`

it.skipIf(process.platform !== 'linux')(
  'importing it opens nothing, starts nothing, and loads neither SDK nor agent (counted in /proc: Linux only)',
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
    const { loaded, isSame, before, after, names, source } = JSON.parse(stdout)
    expect({ isSame, after }).toEqual({ isSame: true, after: before })
    expect(names).toEqual(['LogcaskError', 'cat', 'ship', 'stream', 'verify'])
    expect(source).toBe('undefined')
    const ours = (loaded as string[])
      .filter((url) => url.startsWith('file:'))
      .map((url) => url.split('/src/')[1] ?? url)
    expect(ours).toEqual(expect.arrayContaining(['index.ts', 'base/errors.ts']))
    expect(ours.filter((path) => !/^(?:index|base\/errors|library\/content)\.ts$/.test(path))).toEqual([])
  },
)
