import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../run.ts'

const checkout = join(import.meta.dirname, '../..')

export type Architecture = 'x64' | 'arm64'
export const architectures: readonly Architecture[] = ['x64', 'arm64']

export const ownArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64'

/** The version that the checkout pins for an architecture. */
export async function runtimeVersion(architecture: Architecture): Promise<string> {
  const { optionalDependencies } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
  return optionalDependencies[`node-linux-${architecture}`]
}

/**
 * Node for an architecture: the one of the checkout, or for another machine the package of the same name and version,
 * which npm does not install here, checked against the checkout's lock file.
 */
export async function runtime(architecture: Architecture): Promise<string> {
  const name = `node-linux-${architecture}`
  const installed = join(checkout, 'node_modules', name, 'bin/node')
  if (existsSync(installed)) return installed
  const version = await runtimeVersion(architecture)
  const kept = join(import.meta.dirname, 'node_modules/.runtimes', `${name}-${version}`)
  if (!existsSync(kept)) await fetchRuntime(name, version, kept)
  return join(kept, 'package/bin/node')
}

async function fetchRuntime(name: string, version: string, kept: string): Promise<void> {
  await run('mkdir', ['-p', join(kept, '..')])
  const temporary = await mkdtemp(`${kept}-`)
  try {
    await run('npm', ['pack', `${name}@${version}`, '--pack-destination', temporary], { cwd: temporary })
    const tarball = join(temporary, `${name}-${version}.tgz`)
    const found = `sha512-${createHash('sha512')
      .update(await readFile(tarball))
      .digest('base64')}`
    const { packages } = JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8'))
    const expected: unknown = packages[`node_modules/${name}`]?.integrity
    if (found !== expected) throw new Error(`${name}@${version} is ${found}, and package-lock.json says ${expected}`)
    await run('tar', ['-xzf', tarball, '-C', temporary])
    await rm(tarball)
    await rename(temporary, kept)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}
