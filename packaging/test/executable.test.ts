import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { basename, dirname, join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { tempDirectory } from '../../test/support/temp-directory.ts'
import { runtime } from '../executable/runtime.ts'
import { version } from '../packages/contents.ts'
import { startProgram } from './debian-root.ts'
import { type Ended, hasProgram, programPath, run, succeed } from './programs.ts'

const { executable } = inject('built')
/** Nothing of Node's, or of this checkout. */
const bare = { PATH: '/nowhere', HOME: '/nowhere' }

const noRoot =
  process.getuid?.() === 0 && hasProgram('unshare') && hasProgram('ldd') ? '' : ' (not run: only root may chroot)'

describe('the single executable', () => {
  it('is of this version, and needs no Node', async () => {
    const { code, stdout } = await run(executable, ['--version'], { env: bare, cwd: '/' })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${await version()}\n` })
  })

  it('takes no code from NODE_OPTIONS: root runs it', async () => {
    const directory = await tempDirectory('executable')
    const trap = join(directory, 'trap.cjs')
    await writeFile(trap, `require('node:fs').writeFileSync(${JSON.stringify(join(directory, 'caught'))}, '')`)
    const env = { ...bare, NODE_OPTIONS: `--require ${trap}` }
    const { code } = await run(executable, ['--version'], { env })
    expect(code).toBe(0)
    await expect(stat(join(directory, 'caught'))).rejects.toMatchObject({ code: 'ENOENT' })
    // The same Node takes it where nobody forbade it: the trap works.
    await run(await runtime(process.arch === 'arm64' ? 'arm64' : 'x64'), ['-e', ''], { env })
    await expect(stat(join(directory, 'caught'))).resolves.toBeDefined()
  })

  it('every command can be loaded: it says how it is used', async () => {
    const { stdout } = await run(executable, ['--help'], { env: bare })
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name = '']) => name)
    expect(commands).toEqual(expect.arrayContaining(['ship', 'agent', 'compact', 'serve', 'sync', 'cat', 'verify']))
    for (const command of commands) {
      const { code, stdout, stderr } = await run(executable, ['help', command], { env: bare })
      expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
      expect(stdout).toContain(`logcask ${command}`)
    }
  })

  it('hashes large files in a worker', async () => {
    const directory = await tempDirectory('executable')
    const log = join(directory, 'big.log')
    await writeFile(log, Buffer.alloc(32 * 2 ** 20, 'a line\n'))
    const args = [
      'ship',
      log,
      '--to',
      `file://${directory}/bucket`,
      '--state',
      join(directory, 'state'),
      '--rate',
      '8MB/s',
    ]
    const shipping = startProgram(executable, args, bare)
    const threads = async (): Promise<string[]> => {
      const tasks = await readdir(`/proc/${shipping.pid}/task`).catch(() => [])
      return Promise.all(
        tasks.map((task) => readFile(`/proc/${shipping.pid}/task/${task}/comm`, 'utf8').catch(() => '')),
      )
    }
    let isWorking = false
    for (let attempt = 0; attempt < 100 && !isWorking; attempt++) {
      isWorking = (await threads()).includes('WorkerThread\n')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(isWorking).toBe(true)
    expect(await shipping.ended).toBe(0)
  })

  it('serves the web page, which is in it, byte for byte', async () => {
    const directory = await tempDirectory('executable')
    const log = join(directory, 'a.log')
    await writeFile(log, 'a line\n')
    const bucket = `file://${directory}/bucket`
    await succeed(executable, ['ship', log, '--to', bucket, '--state', join(directory, 'state')], { env: bare })
    const socket = join(directory, 'serve.sock')
    const server = startProgram(executable, ['serve', '--from', bucket, '--listen', `unix:${socket}`], bare)
    const page = join(import.meta.dirname, '../../src/server/page')
    for (const name of await readdir(page)) {
      const path = name === 'index.html' ? '/' : `/page/${name}`
      expect(await get(socket, path), `${path}: ${server.said()}`).toEqual(await readFile(join(page, name)))
    }
    expect(await server.stop()).toBe(0)
  })

  it.skipIf(noRoot !== '')(
    `does the demo's steps in a root that has only glibc and its C++ runtime${noRoot}`,
    async () => {
      const root = await glibcRoot()
      const demo = await inRoot(root, ['/logcask', 'demo', '--dir', '/demo', '--seconds', '6', '--json'])
      expect({ code: demo.code, stderr: demo.code === 0 ? '' : demo.stderr }).toEqual({ code: 0, stderr: '' })
      const result = JSON.parse(demo.stdout)
      expect(result).toMatchObject({ isEqual: true, rewritten: 0 })
      const written: { bytes: number }[] = result.written
      expect(written.filter(({ bytes }) => bytes > 64 * 1024).length, 'files that the worker hashes').toBeGreaterThan(0)
      for (const place of result.places) expect(place).toMatchObject({ isEqual: true, lost: 0, doubled: 0 })

      const list = await inRoot(root, ['/logcask', 'ls', 'file:///demo/a', 'demo'])
      expect(list.code).toBe(0)
      expect(list.stdout).toContain('access.log')
      const verified = await inRoot(root, ['/logcask', 'verify', '--from', 'file:///demo/a'])
      expect({ code: verified.code, stderr: verified.stderr }).toMatchObject({ code: 0 })
    },
  )
})

/** The executable, what the linker says that it needs, and nothing else: no shell, no /etc. */
async function glibcRoot(): Promise<string> {
  const root = await tempDirectory('glibc')
  await cp(executable, join(root, 'logcask'))
  const linked = await succeed(programPath('ldd') ?? 'ldd', [executable])
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
  const names = libraries.map((path) => basename(path).replace(/\.so.*/, '')).sort()
  expect(new Set(names)).toEqual(
    new Set(
      ['ld-linux-x86-64', 'ld-linux-aarch64', 'libc', 'libdl', 'libgcc_s', 'libm', 'libpthread', 'libstdc++'].filter(
        (name) => names.includes(name),
      ),
    ),
  )
  for (const path of libraries) {
    await mkdir(join(root, dirname(path)), { recursive: true })
    await writeFile(join(root, path), await readFile(path), { mode: 0o755 })
  }
  for (const directory of ['proc', 'dev', 'tmp']) await mkdir(join(root, directory))
  return root
}

function inRoot(root: string, command: readonly string[]): Promise<Ended> {
  const inside =
    'mount --make-rprivate / && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
  return run(programPath('unshare') ?? '', ['--mount', 'sh', '-c', inside, root, ...command], {
    env: { PATH: process.env.PATH, HOME: '/' },
  })
}

/** Once the server is up. */
async function get(socketPath: string, path: string): Promise<Buffer | string> {
  for (let attempt = 0; ; attempt++)
    try {
      return await new Promise((resolve, reject) => {
        const asked = request({ socketPath, path, headers: { host: 'localhost' } }, (answer) => {
          const parts: Buffer[] = []
          answer.on('data', (part) => parts.push(part))
          answer.on('end', () =>
            resolve(answer.statusCode === 200 ? Buffer.concat(parts) : `status ${answer.statusCode}`),
          )
        })
        asked.on('error', reject)
        asked.end()
      })
    } catch (error) {
      if (attempt > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
}
