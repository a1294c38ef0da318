import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { build } from '../build.ts'
import { buildExecutable } from '../executable/executable.ts'
import { type Architecture, architectures } from '../executable/runtime.ts'
import { version } from '../packages/contents.ts'
import { buildDeb } from '../packages/deb.ts'
import { buildRpm } from '../packages/rpm.ts'
import { run } from '../run.ts'
import { whatIsMissing } from './readiness.ts'
import { sbom } from './sbom.ts'

const checkout = join(import.meta.dirname, '../..')

export interface ReleaseOptions {
  /** Emptied first. */
  directory: string
  architectures?: readonly Architecture[]
  /** Large and quick, for tests. */
  isQuick?: boolean
  /** Also of what is not committed, or has no date yet. */
  isDraft?: boolean
}

/**
 * Makes everything that is published of this checkout: the npm package, an executable, a .deb and an .rpm for each
 * architecture, the Helm chart, the SBOM and the checksums. Publishes nothing. The same commit gives the same files.
 * Resolves to their names.
 */
export async function release(options: ReleaseOptions): Promise<string[]> {
  const { directory, isQuick, isDraft = false } = options
  const release = await version()
  const missing = whatIsMissing({
    version: release,
    changes: await readFile(join(checkout, 'CHANGELOG.md'), 'utf8'),
    dirty: await changedFiles(),
  })
  if (missing.length > 0 && !isDraft) throw new Error(`not to be released yet:\n- ${missing.join('\n- ')}`)
  const builtAt = await commitTime()
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await packNpm(directory)
  for (const architecture of options.architectures ?? architectures) {
    const executable = join(directory, `logcask-linux-${architecture}`)
    await buildExecutable(executable, architecture)
    await buildDeb(directory, executable, architecture, { isQuick, builtAt })
    await buildRpm(directory, executable, architecture, { isQuick, builtAt })
  }
  await packChart(directory, release, builtAt)
  await writeFile(join(directory, 'sbom.cdx.json'), await sbom(builtAt))
  const names = (await readdir(directory)).sort()
  const sums = await Promise.all(names.map(async (name) => `${await sha256Of(join(directory, name))}  ${name}\n`))
  await writeFile(join(directory, 'SHA256SUMS'), sums.join(''))
  return [...names, 'SHA256SUMS']
}

async function packNpm(directory: string): Promise<void> {
  const dist = await mkdtemp(join(directory, '.npm-'))
  try {
    await build(dist)
    await run('npm', ['pack', '--pack-destination', directory], { cwd: dist })
  } finally {
    await rm(dist, { recursive: true, force: true })
  }
}

/** As `helm package` does, which adds nothing: a tarball with the chart's directory in it. */
async function packChart(directory: string, release: string, builtAt: number): Promise<void> {
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX', `--mtime=@${builtAt}`]
  const tar = join(directory, `logcask-chart-${release}.tar`)
  await run('tar', ['-cf', tar, ...same, '-C', join(checkout, 'packaging/helm'), 'logcask'])
  await run('gzip', ['-9', '--no-name', '--suffix', '.gz', tar])
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function changedFiles(): Promise<string[]> {
  const changes = await run('git', ['status', '--porcelain'], { cwd: checkout })
  return changes
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(3))
}

async function commitTime(): Promise<number> {
  return Number(await run('git', ['log', '-1', '--format=%ct'], { cwd: checkout }))
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { draft: { type: 'boolean', default: false }, out: { type: 'string' } } })
  const directory = values.out ?? join(checkout, 'dist/release')
  const names = await release({ directory, isDraft: values.draft }).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
  process.stdout.write(`${names.join('\n')}\n
To publish, from a CI job that may have an identity token (npm says in whose name, and from which commit, it was built):
  npm publish ${directory}/logcask-${await version()}.tgz --provenance --access public
and put the rest, with SHA256SUMS, where people fetch it.
`)
}
