import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { problemCodes } from '../../src/agent/problem-code.ts'
import { lifeCodes } from '../../src/cli/agent/agent-log.ts'
import { troubleCodes } from '../../src/cli/compact/trouble-code.ts'
import { checkout, loadKnown, problemOf } from './known-words.ts'

const runbook = await readFile(join(checkout, 'docs/runbook.md'), 'utf8')
const [codesPart = ''] = runbook.split(/^## Alerts$/m)
const paragraphs = new Map(
  runbook
    .split(/^### /m)
    .slice(1)
    .map((text) => [/^`([\w-]+)`\n/.exec(text)?.[1] ?? '', text] as const),
)
const codes: readonly string[] = [...problemCodes, ...lifeCodes, ...troubleCodes]

async function sources(): Promise<{ path: string; text: string }[]> {
  const entries = await readdir(join(checkout, 'src'), { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((one) => one.isFile() && one.name.endsWith('.ts'))
    .map((one) => join(one.parentPath, one.name))
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, 'utf8') })))
}

describe('docs/runbook.md', () => {
  it('has a paragraph for every code, and for nothing else', () => {
    const headings = [...codesPart.matchAll(/^### `([\w-]+)`$/gm)].map(([, heading]) => heading)
    expect(headings.toSorted()).toEqual([...new Set(codes)].toSorted())
  })

  it('says in each what it means, and what to do', () => {
    for (const [heading, text] of paragraphs) {
      const [meaning = '', remedy = ''] = text.replace(/^.*\n/, '').split('**Do:**')
      expect([heading, meaning.trim().length > 15, remedy.trim().length > 8]).toEqual([heading, true, true])
    }
  })

  it('names commands, settings and files that are there', async () => {
    const known = await loadKnown()
    const spans = [...runbook.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
    expect(spans.filter((span) => span.startsWith('logcask ')).flatMap((span) => problemOf(span, known) ?? [])).toEqual(
      [],
    )
  })

  it('links to paragraphs that are there', () => {
    const anchors = [...paragraphs.keys(), 'Alerts'].map((heading) => heading.toLowerCase())
    for (const [, anchor] of runbook.matchAll(/\]\(#([\w-]+)\)/g)) expect(anchors).toContain(anchor)
  })
})

describe('the sources', () => {
  it('use every code', async () => {
    const text = (await sources())
      .map((one) => one.text.replace(/export const \w+Codes = \[[\s\S]*?\] as const/g, ''))
      .join('\n')
    expect(codes.filter((code) => !text.includes(`'${code}'`))).toEqual([])
  })

  it('warn through a code alone: no other line of level warn, error or fatal goes into the log', async () => {
    const all = await sources()
    const loggers = all.filter(({ text }) => /from 'pino'/.test(text)).map(({ path }) => path.slice(checkout.length))
    expect(loggers).toEqual(['src/cli/agent/agent-log.ts'])
    const log = all.find(({ path }) => path.endsWith('agent-log.ts'))?.text ?? ''
    expect(log).not.toMatch(/logger\.(?:warn|error|fatal)\(/)
    const warnings = [...log.matchAll(/level: 'warn',\n\s+(\w+)/g)].map(([, next]) => next)
    expect(warnings.length).toBeGreaterThan(4)
    expect(new Set(warnings)).toEqual(new Set(['code']))
    expect(log).not.toMatch(/level: '(?:error|fatal)'/)
  })
})
