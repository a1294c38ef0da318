import { join } from 'node:path'
import { run } from '../run.ts'
import { tool } from './tools.ts'

const checkout = join(import.meta.dirname, '../..')

/**
 * The whole program and its dependencies in one file of CommonJS, which is all that a single executable of Node 24 can
 * hold. What is loaded when it is needed is in it, too, and still begins only then. Names stay as they are: the worker
 * that hashes is made of the text of a function, and stack traces are read by people.
 */
export async function bundle(target: string): Promise<void> {
  await run(await tool('esbuild'), [
    join(checkout, 'src/main.ts'),
    '--bundle',
    '--platform=node',
    '--target=node24',
    '--format=cjs',
    '--minify-syntax',
    '--minify-whitespace',
    '--legal-comments=none',
    // Only asked for where there are files beside the program: not here (cli/demo/own-command.ts).
    '--log-override:empty-import-meta=silent',
    '--log-level=warning',
    `--outfile=${target}`,
  ])
}
