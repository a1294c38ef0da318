import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Block, blocksBelow } from '../../test/docs/page.ts'

const page = await readFile(join(import.meta.dirname, '../../docs/install.md'), 'utf8')

/** The blocks of docs/install.md below a heading of the second level; with `until`, those before a heading of the third. */
export function installBlocks(heading: string, part?: { from?: string; until?: string }): Block[] {
  const all = blocksBelow(page, heading)
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? ''
  const start = part?.from === undefined ? 0 : section.indexOf(`### ${part.from}\n`)
  const end = part?.until === undefined ? section.length : section.indexOf(`### ${part.until}\n`)
  if (start < 0 || end < 0) throw new Error(`no such heading below ${heading}`)
  const isBetween = ({ text }: Block): boolean => {
    const at = section.indexOf(text)
    return at >= start && at < end
  }
  return all.filter(isBetween)
}

/** The keys that the page gives to its service, for a server that lets them in. */
export const pageCredentials = { AKIAIOSFODNN7EXAMPLE: { secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' } }
export const pageRegion = 'eu-central-1'
export const pageBucket = 'acme-logs'
