import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from './known-words.ts'
import type { Block } from './page.ts'

/** A fenced block of some page, and where it stands. */
export interface PageBlock extends Block {
  /** From the checkout's root. */
  page: string
  line: number
  /** The headings above it of the second level, and of any: empty above the first one. */
  section: string
  heading: string
}

/** Documents that are read by people: those of ours, wherever they lie. */
export async function pages(): Promise<string[]> {
  const exclude = (name: string): boolean => /(^|\/)(node_modules|dist|\.[a-z]\w*)$/.test(name)
  const found: string[] = []
  for await (const page of glob('**/*.md', { cwd: checkout, exclude })) found.push(page)
  return found.sort()
}

export async function blocksOfAllPages(): Promise<PageBlock[]> {
  const all = (await pages()).map(async (page) => blocksOf(page, await readFile(join(checkout, page), 'utf8')))
  return (await Promise.all(all)).flat()
}

export function blocksOf(page: string, markdown: string): PageBlock[] {
  const blocks: PageBlock[] = []
  let [section, heading] = ['', '']
  let open: PageBlock | undefined
  for (const [at, line] of markdown.split('\n').entries()) {
    const fence = /^\s*(?:```+|~~~+)(.*)$/.exec(line)
    if (fence !== null && open === undefined)
      open = { page, line: at + 1, section, heading, kind: fence[1]?.trim() ?? '', text: '' }
    else if (open !== undefined && fence !== null) {
      blocks.push(open)
      open = undefined
    } else if (open !== undefined) open.text += `${line}\n`
    else if (line.startsWith('#')) {
      heading = line.replace(/^#+ /, '')
      if (!line.startsWith('### ')) section = line.startsWith('## ') ? heading : ''
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: a block without an end`)
  return blocks
}

export const placeOf = ({ page, line }: PageBlock): string => `${page}:${line}`
