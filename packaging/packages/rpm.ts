import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Architecture } from '../executable/runtime.ts'
import { run } from '../run.ts'
import { contents, directories, link, stage, version, writeFilled } from './contents.ts'
import { anyTime, type PackageOptions } from './deb.ts'

const architectures: Readonly<Record<Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' }

/** Makes `logcask-<version>-1.<architecture>.rpm` in `directory` of an executable, and resolves to its path. */
export async function buildRpm(
  directory: string,
  program: string,
  architecture: Architecture,
  options: PackageOptions = {},
): Promise<string> {
  const release = options.version ?? (await version())
  const room = await mkdtemp(join(directory, '.rpm-'))
  try {
    const staged = join(room, 'stage')
    await mkdir(staged)
    await stage(staged, program)
    const spec = join(room, 'logcask.spec')
    await writeFilled(spec, 'packaging/rpm/logcask.spec', { VERSION: release, STAGE: staged, FILES: files() }, 0o644)
    const built = `logcask-${release}-1.${architectures[architecture]}.rpm`
    const defines = {
      _topdir: join(room, 'top'),
      _rpmfilename: built,
      _binary_payload: options.isQuick ? 'w1.gzdio' : 'w6.xzdio',
      // Of a foreign machine's program nothing is run; of a directory of Debian nothing is asked for.
      _prefix: '/usr',
    }
    const args = Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`])
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(options.builtAt ?? anyTime) }
    const target = ['--target', `${architectures[architecture]}-linux`]
    await run('rpmbuild', ['-bb', '--quiet', '--nodeps', ...target, ...args, spec], { env })
    const made = join(directory, built)
    await copyFile(join(room, 'top/RPMS', built), made)
    await chmod(made, 0o644)
    return made
  } finally {
    await rm(room, { recursive: true, force: true })
  }
}

/** As rpm wants to have them listed. */
function files(): string {
  return [
    ...directories.map((path) => `%dir %attr(0755, root, root) ${path}`),
    ...contents.map(
      ({ path, mode, isConfig }) =>
        `${isConfig ? '%config(noreplace) ' : ''}%attr(0${mode.toString(8)}, root, root) ${path}`,
    ),
    link.path,
  ].join('\n')
}
