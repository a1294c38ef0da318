import { realpath } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { parseStoreUrl } from '../../config/store-url.ts'
import { usageError } from '../command.ts'

/** Published files in the bucket's own directory would be objects there, and the other way round. */
export async function refuseNested(from: string, to: string | undefined, archive: string | undefined): Promise<void> {
  const places = [
    { option: `--from ${from}`, what: 'the bucket', root: rootOf(from) },
    { option: `--to ${to}`, what: 'the directory of --to', root: to },
    { option: `--archive ${archive}`, what: 'the archive', root: archive === undefined ? undefined : rootOf(archive) },
  ]
  const real: { option: string; what: string; root: string }[] = []
  for (const { root, ...names } of places)
    if (root !== undefined) real.push({ ...names, root: await realDirectory(root) })
  for (const [at, one] of real.entries()) {
    const other = real.slice(0, at).find(({ root }) => isWithin(one.root, root) || isWithin(root, one.root))
    if (other !== undefined)
      throw usageError(`${one.option}: is inside ${other.what}, or around it`, 'name a directory beside it')
  }
}

function rootOf(url: string): string | undefined {
  const address = parseStoreUrl(url)
  return address.scheme === 'file' ? address.root : undefined
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer + sep)
}

/** Without symlinks, as far as it is there. */
async function realDirectory(path: string): Promise<string> {
  return realpath(path).catch(
    async () => `${await realpath(dirname(path)).catch(() => dirname(path))}${path.slice(dirname(path).length)}`,
  )
}
