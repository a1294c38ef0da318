import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempDirectory } from '../../test/support/temp-directory.ts'
import { bundle } from '../executable/bundle.ts'
import { buildExecutable } from '../executable/executable.ts'
import { ownArchitecture, runtime } from '../executable/runtime.ts'
import { version } from '../packages/contents.ts'
import { buildDeb, debName } from '../packages/deb.ts'
import { whatIsMissing } from '../release/readiness.ts'
import { release } from '../release/release.ts'
import { sbom } from '../release/sbom.ts'
import { hasProgram, run, succeed } from './programs.ts'

const why = hasProgram('dpkg-deb') && hasProgram('rpmbuild') ? '' : ' (not run: no dpkg-deb or rpmbuild)'

describe('a release', () => {
  it.each<[string, string, readonly string[], RegExp[]]>([
    ['is ready', '# C\n\n## 1.2.3 (2026-11-21)\n\n- A thing.\n', [], []],
    ['has no entry', '# C\n\n## 1.2.30 (2026-11-21)\n\n- A thing.\n', [], [/no entry/]],
    ['has no date', '## 1.2.3 (not released)\n\n- A thing.\n', [], [/no date/]],
    ['says nothing', '## 1.2.3 (2026-11-21)\n\n## 1.2.2 (2026-10-01)\n\n- A thing.\n', [], [/says nothing/]],
    [
      'is not committed',
      '## 1.2.3 (2026-11-21)\n\n- A thing.\n',
      ['src/a.ts'],
      [/1 files are not committed \(src\/a\.ts/],
    ],
  ])('%s', (_, changes, dirty, expected) => {
    const missing = whatIsMissing({ version: '1.2.3', changes, dirty })
    expect(missing.length).toBe(expected.length)
    for (const [at, one] of expected.entries()) expect(missing[at]).toMatch(one)
  })

  it('its SBOM names all that is in it, and nothing that it was only made with', async () => {
    const text = await sbom(1_767_225_600)
    expect(await sbom(1_767_225_600)).toBe(text)
    const { components, metadata } = JSON.parse(text)
    const listed = new Set(
      components.map(({ name, version }: { name: string; version: string }) => `${name}@${version}`),
    )
    const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
    for (const [name, exact] of Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies }))
      expect(listed, `${name}@${exact}`).toContain(`${name}@${exact}`)
    for (const name of Object.keys(manifest.devDependencies))
      expect(
        [...listed].some((one) => String(one).startsWith(`${name}@`)),
        name,
      ).toBe(false)
    expect(metadata.component).toMatchObject({ name: 'logcask', version: await version() })
    // What the bundle was made of, by the names of the modules that are in it.
    const bundled = join(await tempDirectory('sbom'), 'logcask.cjs')
    await bundle(bundled)
    const modules = [...(await readFile(bundled, 'utf8')).matchAll(/node_modules\/((?:@[^/"]+\/)?[^/"@.][^/"@]*)\//g)]
    const names = new Set([...listed].map((one) => String(one).replace(/@[^@]*$/, '')))
    expect(modules.length).toBeGreaterThan(0)
    for (const [, name] of modules) expect(names).toContain(name)
  })

  it.skipIf(why !== '')(`has everything, with checksums that hold${why}`, async () => {
    const directory = join(await tempDirectory('release'), 'release')
    const names = await release({ directory, architectures: [ownArchitecture], isQuick: true, isDraft: true })
    const now = await version()
    expect(names).toEqual(
      [
        'SHA256SUMS',
        debName(now, ownArchitecture),
        `logcask-${now}-1.${ownArchitecture === 'x64' ? 'x86_64' : 'aarch64'}.rpm`,
        `logcask-${now}.tgz`,
        `logcask-chart-${now}.tar.gz`,
        `logcask-linux-${ownArchitecture}`,
        'sbom.cdx.json',
      ].sort((a, b) => Number(a === 'SHA256SUMS') - Number(b === 'SHA256SUMS') || (a < b ? -1 : 1)),
    )
    expect((await readdir(directory)).sort()).toEqual([...names].sort())
    expect(await succeed('sha256sum', ['--check', 'SHA256SUMS'], { cwd: directory })).toContain('sbom.cdx.json: OK')
    await writeFile(join(directory, `logcask-${now}.tgz`), 'another')
    expect((await run('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: directory })).code).not.toBe(0)

    expect(JSON.parse(await readFile(join(directory, 'sbom.cdx.json'), 'utf8')).components.length).toBeGreaterThan(20)

    const unpacked = join(directory, 'chart')
    await mkdir(unpacked)
    await succeed('tar', ['-xzf', join(directory, `logcask-chart-${now}.tar.gz`), '-C', unpacked])
    expect(await readFile(join(unpacked, 'logcask/Chart.yaml'), 'utf8')).toContain(`appVersion: "${now}"`)
  })

  it.skipIf(why !== '')(`is made for the other architecture as well: nothing of it is run here${why}`, async () => {
    const other = ownArchitecture === 'x64' ? 'arm64' : 'x64'
    const directory = await tempDirectory('release')
    const executable = join(directory, 'logcask')
    await buildExecutable(executable, other)
    const bytes = await readFile(executable)
    // e_machine of the ELF header: 0x3e is x86-64, 0xb7 AArch64.
    expect(bytes.readUInt16LE(18)).toBe(other === 'arm64' ? 0xb7 : 0x3e)
    // The fuse says that a program is in it, and in Node alone that there is none.
    const fuse = ['NODE_SEA', 'FUSE_fce680ab2cc467b6e072b8b5df1996b2'].join('_')
    expect(bytes.includes(`${fuse}:1`)).toBe(true)
    expect((await readFile(await runtime(other))).includes(`${fuse}:0`)).toBe(true)
    const deb = await buildDeb(directory, executable, other, { isQuick: true })
    expect(await succeed('dpkg-deb', ['--field', deb, 'Architecture'])).toBe(other === 'arm64' ? 'arm64\n' : 'amd64\n')
  })
})
