import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

const src = join(import.meta.dirname, '../../src')

/**
 * The files that lie beside the sources, for the single executable: of each directory that has some one asset, JSON of
 * name → text, called as the directory is below src/ (base/own-files.ts reads it). Resolves to asset → file in `room`.
 */
export async function writeAssets(room: string): Promise<Record<string, string>> {
  const assets: Record<string, string> = {}
  for (const entry of [{ path: src }, ...(await directories())]) {
    const files = (await readdir(entry.path, { withFileTypes: true }))
      .filter((one) => one.isFile() && !one.name.endsWith('.ts'))
      .map(({ name }) => name)
      .sort()
    if (files.length === 0) continue
    const texts = await Promise.all(
      files.map(async (name) => [name, await readFile(join(entry.path, name), 'utf8')] as const),
    )
    const name = relative(src, entry.path)
    const file = `${name.replaceAll('/', '-')}.json`
    await writeFile(join(room, file), JSON.stringify(Object.fromEntries(texts)))
    assets[name] = file
  }
  return assets
}

async function directories(): Promise<{ path: string }[]> {
  const entries = await readdir(src, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({ path: join(entry.parentPath, entry.name) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}
