import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../run.ts'

const here = import.meta.dirname

/** A program of this room's own package.json; they are installed, as its lock file says, where they are not there yet. */
export async function tool(name: 'esbuild' | 'postject'): Promise<string> {
  const program = join(here, 'node_modules/.bin', name)
  if (!existsSync(program)) await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here })
  return program
}
