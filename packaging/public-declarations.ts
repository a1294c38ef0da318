import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Of the types that the compiler wrote, keeps what index.d.ts leads to: the others are nobody's business. They name each
 * other as the JavaScript beside them does, which every compiler understands.
 */
export async function keepPublicDeclarations(src: string): Promise<void> {
  const kept = new Set<string>()
  const waiting = [join(src, 'index.d.ts')]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (kept.has(path)) continue
    kept.add(path)
    const text = await readFile(path, 'utf8')
    for (const [, specifier = ''] of text.matchAll(relative)) waiting.push(join(dirname(path), `${specifier}.d.ts`))
    await writeFile(path, text.replace(relative, "from '$1.js'"))
  }
  const entries = await readdir(src, { recursive: true, withFileTypes: true })
  const written = entries
    .filter(({ name }) => name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
  await Promise.all(written.filter((path) => !kept.has(path)).map((path) => rm(path)))
}

const relative = /from '(\.[^']*)\.ts'/g
