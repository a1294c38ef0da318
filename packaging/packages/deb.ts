import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Architecture } from '../executable/runtime.ts'
import { run } from '../run.ts'
import { contents, stage, version, writeFilled } from './contents.ts'

const architectures: Readonly<Record<Architecture, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Some instant that stays the same: the same checkout makes the same packages. */
export const anyTime = 1_767_225_600

export interface PackageOptions {
  /** Of the checkout where nothing is said; another one to try an upgrade with. */
  version?: string | undefined
  /** Large and quick, for tests. */
  isQuick?: boolean | undefined
  /** Seconds since 1970 that files in it carry (SOURCE_DATE_EPOCH). */
  builtAt?: number | undefined
}

/** Makes `logcask_<version>-1_<architecture>.deb` in `directory` of an executable, and resolves to its path. */
export async function buildDeb(
  directory: string,
  program: string,
  architecture: Architecture,
  options: PackageOptions = {},
): Promise<string> {
  const release = options.version ?? (await version())
  const root = await mkdtemp(join(directory, '.deb-'))
  try {
    await chmod(root, 0o755)
    await stage(root, program)
    const debian = join(root, 'DEBIAN')
    await mkdir(debian)
    const values = {
      VERSION: release,
      ARCHITECTURE: architectures[architecture],
      KIBIBYTES: String(await kibibytes(root)),
    }
    await writeFilled(join(debian, 'control'), 'packaging/deb/control', values, 0o644)
    for (const script of ['postinst', 'prerm', 'postrm'])
      await writeFilled(join(debian, script), `packaging/deb/${script}`, values, 0o755)
    const kept = contents.filter(({ isConfig }) => isConfig).map(({ path }) => `${path}\n`)
    await writeFile(join(debian, 'conffiles'), kept.join(''))
    await writeFile(join(debian, 'md5sums'), await sums(root))
    const target = join(directory, `logcask_${release}-1_${architectures[architecture]}.deb`)
    const level = options.isQuick ? ['-Zgzip', '-z1'] : ['-Zxz', '-z6']
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(options.builtAt ?? anyTime) }
    await run('dpkg-deb', ['--root-owner-group', ...level, '--build', root, target], { env })
    return target
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function kibibytes(root: string): Promise<number> {
  const sizes = await Promise.all(contents.map(async ({ path }) => (await stat(join(root, path))).size))
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0)
}

/** What `dpkg --verify` compares with: MD5 is the format's. */
async function sums(root: string): Promise<string> {
  const lines = contents
    .filter(({ isConfig }) => !isConfig)
    .map(async ({ path }) => {
      const digest = createHash('md5').update(await readFile(join(root, path)))
      return `${digest.digest('hex')}  ${path.slice(1)}\n`
    })
  return (await Promise.all(lines)).join('')
}

export const debName = (release: string, architecture: Architecture): string =>
  `logcask_${release}-1_${architectures[architecture]}.deb`
