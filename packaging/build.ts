import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { keepPublicDeclarations } from './public-declarations.ts'
import { type Manifest, publishedManifest } from './published-manifest.ts'
import { ended } from './run.ts'

const checkout = join(import.meta.dirname, '..')

/**
 * Makes in `target`, which is emptied first, the package that is published: JavaScript from the sources, what they read
 * beside them, the types of what is exported, and a package.json of its own. A pure function of the checkout. Rejects where the sources do not compile.
 */
export async function build(target: string): Promise<void> {
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  await compile(target)
  await keepPublicDeclarations(join(target, 'src'))
  await Promise.all((await assets()).map((path) => copy(path, target)))
  await chmod(join(target, 'src/main.js'), 0o755)
  const manifest: Manifest = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
  await writeFile(join(target, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)
}

async function compile(target: string): Promise<void> {
  const tsc = join(checkout, 'node_modules/typescript/bin/tsc')
  const project = join(import.meta.dirname, 'tsconfig.build.json')
  const { code, stdout, stderr } = await ended(process.execPath, [tsc, '--project', project, '--outDir', target])
  if (code !== 0) throw new Error(`the sources do not compile:\n${stdout}${stderr}`)
}

/** What goes along as it is, relative to the checkout: also what the sources read beside them, a page say. */
async function assets(): Promise<string[]> {
  const entries = await readdir(join(checkout, 'src'), { recursive: true, withFileTypes: true })
  const beside = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(checkout.length + 1))
  return ['README.md', 'LICENSE', 'docs/agent.schema.json', 'docs/library.md', ...beside]
}

async function copy(path: string, target: string): Promise<void> {
  await mkdir(dirname(join(target, path)), { recursive: true })
  await cp(join(checkout, path), join(target, path))
}

if (import.meta.main) {
  await build(join(checkout, 'dist'))
  process.stdout.write('built dist/: try it with node dist/src/main.js --version, publish it with npm publish dist\n')
}
