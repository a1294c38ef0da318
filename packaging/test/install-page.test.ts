import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { headingsOf } from '../../test/docs/page.ts'
import { DebianRoot, noDebian } from './debian-root.ts'
import { installBlocks } from './install-page.ts'

const page = await readFile(join(import.meta.dirname, '../../docs/install.md'), 'utf8')
const { executable } = inject('built')

describe('docs/install.md', () => {
  it('each of its blocks is run by a test', () => {
    const found = headingsOf(page).flatMap((heading) => installBlocks(heading).map(({ kind }) => `${heading}: ${kind}`))
    expect([...new Set(found)]).toEqual([
      // booted.test.ts, and deb.test.ts without systemd.
      'Debian and Ubuntu: sh',
      'Debian and Ubuntu: sh service',
      // rpm.test.ts
      'Fedora, RHEL, Amazon Linux: sh rpm',
      // Below.
      'One executable: sh executable',
      // image.test.ts, step by step.
      'A container: sh docker',
      // helm.test.ts, as helm template.
      'Kubernetes: sh helm',
      // test/packaging/pack.test.ts, from the registry's own tarball.
      'npm: sh npm',
    ])
    expect(installBlocks('npm')[0]?.text).toBe('npm install -g logcask\nlogcask --version\n')
  })

  it('what it links to is there', async () => {
    for (const [, link = ''] of page.matchAll(/\]\(([^)]+)\)/g)) {
      if (link.startsWith('#')) {
        const headings = headingsOf(page).map((one) =>
          one
            .toLowerCase()
            .replaceAll(/[^a-z0-9 -]/g, '')
            .replaceAll(' ', '-'),
        )
        expect(headings, link).toContain(link.slice(1))
      } else await readFile(join(import.meta.dirname, '../../docs', link))
    }
  })
})

describe.skipIf(noDebian !== undefined)(`one executable, as the page says${noDebian ? ` (${noDebian})` : ''}`, () => {
  let root: DebianRoot
  beforeAll(async () => {
    root = await DebianRoot.open()
    await root.copy(executable, '/root/logcask-linux-x64')
  })
  afterAll(() => root?.close())

  it('is put in its place, and shows what it can', async () => {
    const [block] = installBlocks('One executable')
    expect(await root.succeed(`cd /root\n${block?.text}`)).toContain('0 lost · 0 doubled · 0 rewritten')
  })
})
