import { extname } from 'node:path'
import { isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'

/**
 * How this program is started once more: the program, and what comes before its arguments. In a checkout and a package
 * node runs main.ts or main.js; the single executable is all in one, and has no file beside it.
 */
export function ownCommand(): readonly [program: string, ...first: string[]] {
  if (isSea()) return [process.execPath]
  return [process.execPath, fileURLToPath(new URL(`../../main${extname(import.meta.url)}`, import.meta.url))]
}
