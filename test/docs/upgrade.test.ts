import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contentsOf, holdingsOf } from '../scenarios/stored-content.ts'
import { checkout, loadKnown, problemOf } from './known-words.ts'
import { MovingPlace } from './moving-place.ts'
import { blocksBelow } from './page.ts'

const pages = new Map(
  await Promise.all(
    ['security', 'upgrade'].map(
      async (name) => [name, await readFile(join(checkout, `docs/${name}.md`), 'utf8')] as const,
    ),
  ),
)

describe.each([...pages])('docs/%s.md', (_, page) => {
  it('names files, commands and documents that are there', async () => {
    const known = await loadKnown()
    const spans = [...page.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
    const files = spans.filter((span) => /^(?:test|terraform)\/.+/.test(span))
    expect(files.filter((file) => !existsSync(join(checkout, file)))).toEqual([])
    const commands = spans.filter((span) => span.startsWith('logcask '))
    expect(commands.flatMap((span) => problemOf(span, known) ?? [])).toEqual([])
    const links = [...page.matchAll(/\]\(([\w.-]+)\)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !existsSync(join(checkout, 'docs', link)))).toEqual([])
  })
})

it('docs/security.md: every row says what is held by which test, and every such test is there', () => {
  const rows = (pages.get('security') ?? '').split('\n').filter((line) => line.startsWith('| **'))
  expect(rows.length).toBeGreaterThan(7)
  for (const row of rows) expect(row.split('|').at(-2)).toMatch(/`(?:test|terraform)\/[\w/.-]+\.ts`/)
})

it('docs/upgrade.md, followed to the letter', { timeout: 200_000 }, async () => {
  const page = pages.get('upgrade') ?? ''
  const place = await MovingPlace.open()
  const text = Array.from({ length: 500 }, (_, at) => `line ${at}\n`).join('')
  await place.file('/var/log/app.log', text)
  const settings = `# /etc/logcask/agent.yaml
sources: [{ name: app, include: ["/var/log/app.log"] }]
scanInterval: 1s
destinations: [{ url: "s3://acme-logs" }]
`
  await place.follow({ kind: 'yaml', text: settings })
  for (const block of blocksBelow(page, 'An agent')) await place.follow(block)
  await place.follow({ kind: 'sh', text: 'logcask wait /var/log/app.log --timeout 60s; systemctl stop logcask' })

  // A later version was here.
  const state = place.path('/var/lib/logcask/agent.json')
  const record = JSON.parse(await readFile(state, 'utf8'))
  await writeFile(state, JSON.stringify({ ...record, v: 2 }))
  const refused = await place.follow({ kind: 'sh', text: 'logcask agent </dev/null 2>&1 || echo "status $?"' })
  expect(refused).toMatch(/is of version 2, this logcask knows version 1[\s\S]*status 2/)

  await place.file('/var/log/app.log', `${text}more\n`)
  for (const block of blocksBelow(page, 'Back again')) await place.follow(block)
  const streams = [...contentsOf(holdingsOf(place.server.bucket('acme-logs'))).values()]
  expect(streams.map(({ content }) => content.toString())).toEqual([`${text}more\n`])
})
