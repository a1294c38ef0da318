import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getAsset, isSea } from 'node:sea'

/**
 * Files that the program brings along: name → text. They lie in a directory beside its modules, or, in the single
 * executable, in itself: there `room` is that directory below src/ (packaging/executable/assets.ts puts them in).
 */
export async function ownFiles(room: string, directory: () => string): Promise<ReadonlyMap<string, string>> {
  if (isSea()) return new Map(Object.entries<string>(JSON.parse(getAsset(room, 'utf8'))))
  const names = (await readdir(directory(), { withFileTypes: true })).filter((entry) => entry.isFile())
  const read = names.map(async ({ name }) => [name, await readFile(join(directory(), name), 'utf8')] as const)
  return new Map(await Promise.all(read))
}
