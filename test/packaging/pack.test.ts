import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build } from '../../packaging/build.ts'
import type { Manifest } from '../../packaging/published-manifest.ts'
import { makeTempDirectory } from '../support/temp-directory.ts'

const checkout = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** Every file below a directory with its SHA-256. */
async function contentOf(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hashed = paths.sort().map(async (path) => {
    return [
      path.slice(directory.length + 1),
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    ] as const
  })
  return Object.fromEntries(await Promise.all(hashed))
}

/** A Node on the PATH that is older than what we need. */
function olderNode(): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'node'))
  return candidates.filter(existsSync).find((node) => {
    const [major = 0, minor = 0] = String(spawnSync(node, ['-p', 'process.versions.node']).stdout)
      .split('.')
      .map(Number)
    return major > 0 && (major < 22 || (major === 22 && minor < 22))
  })
}

describe('what npm run build makes', () => {
  let directory: string
  let remove: () => Promise<void>
  let dist: string
  let project: string
  let manifest: Manifest & Record<string, unknown>

  beforeAll(async () => {
    const temp = await makeTempDirectory('pack')
    directory = temp.path
    remove = temp.remove
    dist = join(directory, 'dist')
    project = join(directory, 'project')
    await build(dist)
    manifest = JSON.parse(await readFile(join(dist, 'package.json'), 'utf8'))
    await install()
  })
  afterAll(() => remove())

  const tarball = (): string => join(directory, `logcask-${manifest.version}.tgz`)
  const npm = (args: string[], cwd: string): Promise<unknown> => run('npm', args, { cwd })

  /**
   * Into an empty project, by npm, without a registry: the tarball as npm unpacks it, the dependencies that it declares,
   * and no others, as links to the checkout's, and npm's own links for `bin`.
   */
  async function install(): Promise<void> {
    await npm(['pack', '--pack-destination', directory], dist)
    const installed = join(project, 'node_modules/logcask')
    await mkdir(installed, { recursive: true })
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, dependencies: { logcask: '*' } }))
    await run('tar', ['-xzf', tarball(), '--strip-components=1', '-C', installed])
    for (const name of Object.keys(manifest.dependencies)) {
      const link = join(project, 'node_modules', name)
      await mkdir(dirname(link), { recursive: true })
      await symlink(join(checkout, 'node_modules', name), link)
    }
    await npm(['rebuild', '--ignore-scripts', 'logcask'], project)
  }

  const logcask = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
    run(process.execPath, [join(project, 'node_modules/.bin/logcask'), ...args], { cwd: project })

  it('is the same each time', async () => {
    const again = join(directory, 'again')
    await build(again)
    expect(await contentOf(again)).toEqual(await contentOf(dist))
  })

  it('declares what it needs exactly, and nothing of the checkout', async () => {
    const source: Manifest = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
    expect(manifest).toEqual({
      name: 'logcask',
      version: source.version,
      description: source.description,
      license: 'MIT',
      type: 'module',
      bin: { logcask: 'src/main.js' },
      exports: {
        '.': { types: './src/index.d.ts', default: './src/index.js' },
        './package.json': './package.json',
      },
      engines: source.engines,
      dependencies: source.dependencies,
      publishConfig: { access: 'public', provenance: true },
    })
    const notExact = Object.entries(manifest.dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
    expect(notExact).toEqual([])
  })

  it('holds JavaScript, licence and documents, and neither sources nor tests', async () => {
    const files = Object.keys(await contentOf(join(project, 'node_modules/logcask')))
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'src/main.js']))
    // Types: of what is exported, and of nothing else.
    expect(files.filter((path) => path.endsWith('.ts') || path.startsWith('test/'))).toEqual([
      'src/base/errors.d.ts',
      'src/index.d.ts',
      'src/library/delivery-contract.d.ts',
      'src/library/reading-contract.d.ts',
    ])
  })

  it('runs once it is installed', async () => {
    expect((await logcask('--version')).stdout).toBe(`${manifest.version}\n`)
    expect((await logcask('--help')).stdout).toContain('Commands')
  })

  it('holds the web page, every part of it', async () => {
    const parts = async (root: string): Promise<string[]> => (await readdir(join(root, 'src/server/page'))).sort()
    expect(await parts(join(project, 'node_modules/logcask'))).toEqual(await parts(checkout))
    // Beside the module that serves it, where that looks.
    const from = join(project, 'node_modules/logcask/src/server/page-routes.js')
    const script = `const { pageRoutes } = await import(${JSON.stringify(from)}); console.log((await pageRoutes()).length)`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: project })
    expect(Number(stdout)).toBe((await parts(checkout)).length)
  })

  it('ships a file, and gives the same bytes back', async () => {
    const log = join(project, 'app.log')
    const bucket = `file://${join(project, 'bucket')}`
    const bytes = 'one line\n'.repeat(1000)
    await writeFile(log, bytes)
    await logcask('ship', log, '--to', bucket, '--host', 'web-1', '--state', join(project, 'state'))
    expect((await logcask('cat', bucket, 'web-1', log)).stdout).toBe(bytes)
  })

  describe('a program that uses it', () => {
    const program = 'ship-and-read.ts'
    beforeAll(async () => {
      await copyFile(join(checkout, 'examples', program), join(project, program))
      await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
      await mkdir(join(project, 'node_modules/@types'), { recursive: true })
      for (const name of ['@types/node', 'undici-types'])
        await symlink(join(checkout, 'node_modules', name), join(project, 'node_modules', name))
    })

    const tsc = (...files: string[]): Promise<unknown> => {
      const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit']
      const modern = ['--module', 'nodenext', '--target', 'esnext', '--types', 'node']
      return run(join(checkout, 'node_modules/.bin/tsc'), [...strict, ...modern, ...files], { cwd: project })
    }

    it('is checked against our types, at its strictest', async () => {
      await tsc(program)
      await writeFile(
        join(project, 'wrong.ts'),
        `import { ship } from 'logcask'\nawait ship(['/var/log'], { to: 's3://bucket', timeout: 1 })\n`,
      )
      await expect(tsc('wrong.ts')).rejects.toMatchObject({
        stdout: expect.stringContaining("'timeout' does not exist"),
      })
    })

    it('may be what docs/library.md shows', async () => {
      const page = await readFile(join(checkout, 'docs/library.md'), 'utf8')
      const [imports = '', ...shown] = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
      expect(shown.length).toBeGreaterThan(3)
      const files = shown.map((_, at) => `shown-${at}.ts`)
      await Promise.all(files.map((file, at) => writeFile(join(project, file), `${imports}${shown[at]}`)))
      await tsc(...files)
    })

    it('streams a file while it grows, reads it back, and verifies it', async () => {
      const { stdout } = await run(process.execPath, [program, `file://${join(project, 'example')}`], { cwd: project })
      expect(stdout).toBe('500 lines: delivered\nread back: 1000 lines of app.log\nverified: fine, 1 stream\n')
    })

    it('gets what is documented, and nothing else', async () => {
      const names = "import('logcask').then((all) => console.log(Object.keys(all).sort().join(' ')))"
      const { stdout } = await run(process.execPath, ['-e', names], { cwd: project })
      expect(stdout).toBe('LogcaskError cat ship stream verify\n')
      const page = await readFile(join(project, 'node_modules/logcask/docs/library.md'), 'utf8')
      for (const name of stdout.trim().split(' ')) expect(page).toContain(`\`${name}`)
      const inside = run(process.execPath, ['-e', "import('logcask/src/agent/agent.js')"], { cwd: project })
      await expect(inside).rejects.toMatchObject({ stderr: expect.stringContaining('ERR_PACKAGE_PATH_NOT_EXPORTED') })
    })
  })

  const older = olderNode()
  it.skipIf(older === undefined)('says in one line which Node it needs, on an older one', () => {
    const { status, stdout, stderr } = spawnSync(older ?? '', [join(project, 'node_modules/logcask/src/main.js')])
    const needed = /^>=(\d+\.\d+)$/.exec(manifest.engines.node ?? '')?.[1]
    expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' })
    expect(String(stderr)).toMatch(/^[^\n]*\n$/)
    expect(String(stderr)).toContain(`needs Node ≥ ${needed};`)
  })

  it.skipIf(process.env.LOGCASK_TEST_REGISTRY !== 'true')('installs by npm from the registry', async () => {
    const empty = join(directory, 'empty')
    await mkdir(empty)
    await writeFile(join(empty, 'package.json'), '{ "private": true }')
    await npm(['install', '--no-audit', '--no-fund', tarball()], empty)
    const { stdout } = await run(process.execPath, [join(empty, 'node_modules/.bin/logcask'), '--version'])
    expect(stdout).toBe(`${manifest.version}\n`)
  })
})
