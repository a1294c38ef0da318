import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { tempDirectory } from '../support/temp-directory.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

describe('logcask as a process', () => {
  it('says its version on stdout', async () => {
    expect(await logcask(['--version'])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' })
  })

  it('ends with 2 and a remedy on stderr when it is used wrongly, from any directory', async () => {
    const result = await logcask(['frobnicate'], { cwd: await tempDirectory() })
    expect(result).toEqual({
      code: 2,
      stdout: '',
      stderr: 'logcask: unknown command frobnicate\nfix: logcask --help lists the commands\n',
    })
  })

  it('writes no escapes into pipes', async () => {
    const { stdout, stderr } = await logcask(['--help'], { env: { TERM: 'xterm-256color' } })
    expect(stdout + stderr).not.toContain('\u001b')
  })

  it('says in one line which Node it needs, before anything else is loaded', async () => {
    const older = 'Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})'
    const result = await logcask(['--version'], { nodeOptions: ['--import', `data:text/javascript,${older}`] })
    expect(result.code).toBe(1)
    expect(result.stdout).toBe('')
    expect(result.stderr).toMatch(/^logcask needs Node ≥ 22\.22; this is 20\.20\.2: .*\n$/)
  })

  it('I7: loads no more than the command needs', async () => {
    const listing = `import { registerHooks } from 'node:module'
      registerHooks({ load: (url, context, next) => (process.stderr.write('loads ' + url + '\\n'), next(url, context)) })`
    const loadedBy = async (...args: string[]) => {
      const { stderr } = await logcask(args, {
        nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(listing)}`],
      })
      return [...stderr.matchAll(/^loads .*\/node_modules\/((?:@[^/]+\/)?[^/]+)/gm)].map(([, name]) => name)
    }
    expect(await loadedBy('--help')).toEqual([])
    expect(await loadedBy('doctor', 'file:///nowhere/at/all')).toEqual([])
    expect(await loadedBy('validate', '-c', '/nowhere/at/all.yaml')).toContain('zod')
  })

  it('is quiet when the reader of its output goes away', async () => {
    const child = start(['--help'])
    child.process.stdout.destroy()
    expect(await child.ended).toMatchObject({ code: 141, stderr: '' })
  })

  it.skipIf(process.platform === 'win32')(
    'I6: a short write to a file ends with 1, not with a file cut off',
    async () => {
      const file = join(await tempDirectory(), 'out')
      // A limit on the size of a file stands for a disk that is nearly full: the write is cut, the next one refused.
      const limited = `trap '' XFSZ; ulimit -f 1; exec "$0" "$@" > "$OUT"`
      const child = spawn('sh', ['-c', limited, process.execPath, main, '--help'], {
        env: { ...process.env, OUT: file },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      const stderr = collect(child.stderr)
      const [code] = await once(child, 'close')
      expect(code).toBe(1)
      expect(await stderr).toMatch(/^logcask: stdout: EFBIG/)
      const written = (await readFile(file)).byteLength
      expect([512, 1024]).toContain(written)
    },
  )

  it('stops at SIGINT while a store does not answer', async () => {
    const connected = Promise.withResolvers<void>()
    const silent = createServer(() => connected.resolve())
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const address = silent.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const child = start(['doctor', 's3://bucket', '--endpoint', `http://127.0.0.1:${port}`], {
      env: { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
    })
    await connected.promise
    child.process.kill('SIGINT')
    expect(await child.ended).toEqual({ code: 130, stdout: '', stderr: '' })
  })
})

interface Result {
  code: number | null
  stdout: string
  stderr: string
}

interface Options {
  cwd?: string
  env?: Record<string, string>
  nodeOptions?: string[]
}

function start(args: string[], { cwd, env, nodeOptions = [] }: Options = {}) {
  const child = spawn(process.execPath, [...nodeOptions, main, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const ended = once(child, 'close').then(
    async ([code]): Promise<Result> => ({ code, stdout: await stdout, stderr: await stderr }),
  )
  return { process: child, ended }
}

function logcask(args: string[], options?: Options): Promise<Result> {
  return start(args, options).ended
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise<void>((resolve) => stream.once('close', resolve))
  return Buffer.concat(chunks).toString()
}
