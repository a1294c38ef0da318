import type { Stats } from 'node:fs'
import { lstat, opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListEntry, ListOptions } from './bucket.ts'
import { explained, unlessAbsent } from './directory-errors.ts'
import type { Gate } from './directory-gate.ts'
import { isComponent } from './directory-key.ts'
import { fileSystemOwn } from './directory-marker.ts'

/** Names of one directory held in memory at a time, about 100 bytes each; a larger one is read in several passes (I7). */
const pageNamesMax = 20_000
/** Files looked at together, as far as the gate lets them: enough to keep its places busy. */
const statsAtOnce = 64

interface Walk {
  root: string
  url: string
  gate: Gate
  startAfter: string
  signal: AbortSignal | undefined
}

/**
 * The objects below `root` as the port lists them. A directory's name counts with its closing '/', which is where its
 * keys sort. What no key names (dot files, links, sockets) is passed over. No symlink may lie between `root`, which may
 * be one, and the directory that `prefix` names: the caller has looked.
 */
export async function* walkObjects(
  root: string,
  url: string,
  gate: Gate,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ListEntry> {
  const walk: Walk = { root, url, gate, startAfter: options.startAfter ?? '', signal: options.signal }
  const cut = prefix.lastIndexOf('/') + 1
  const base = prefix.slice(0, cut)
  const isThere = await step(walk, base, async () => (await unlessAbsent(stat(join(root, base))))?.isDirectory())
  if (isThere) yield* walkDirectory(walk, base, prefix.slice(cut), options.delimiter)
}

async function* walkDirectory(
  walk: Walk,
  base: string,
  namePrefix: string,
  delimiter: '/' | undefined,
): AsyncGenerator<ListEntry> {
  let files: string[] = []
  for await (const name of namesInOrder(walk, base, namePrefix)) {
    if (!name.endsWith('/')) {
      files.push(name)
      if (files.length < statsAtOnce) continue
    }
    yield* await objectEntries(walk, base, files)
    files = []
    const below = base + name
    if (!name.endsWith('/')) continue
    if (delimiter === undefined) yield* walkDirectory(walk, below, '', undefined)
    else if (await holdsObject(walk, below)) yield { kind: 'prefix', prefix: below }
  }
  yield* await objectEntries(walk, base, files)
}

/** The names directly below `base` that begin with `namePrefix` and may lead beyond `startAfter`, in order. */
async function* namesInOrder(walk: Walk, base: string, namePrefix: string): AsyncGenerator<string> {
  for (let after = '', isCut = true; isCut; ) {
    let names: string[] = []
    isCut = false
    await step(walk, base, async () => {
      for await (const name of keyNames(walk, base)) {
        if (name <= after || !name.startsWith(namePrefix)) continue
        names.push(name)
        if (names.length < 2 * pageNamesMax) continue
        names = names.sort().slice(0, pageNamesMax)
        isCut = true
      }
      names.sort()
      if (isCut) names.length = Math.min(names.length, pageNamesMax)
    })
    yield* names
    after = names.at(-1) ?? after
  }
}

/** The names in `base` that are parts of keys beyond `startAfter`, directories with a closing '/', in no order. */
async function* keyNames(walk: Walk, base: string): AsyncGenerator<string> {
  for await (const entry of await opendir(join(walk.root, base), { bufferSize: 512 })) {
    if (!isComponent(entry.name) || (base === '' && entry.name === fileSystemOwn)) continue
    const name = entry.isDirectory() ? `${entry.name}/` : entry.isFile() ? entry.name : undefined
    if (name === undefined) continue
    const isBeyond = base + name > walk.startAfter || (name.endsWith('/') && walk.startAfter.startsWith(base + name))
    if (isBeyond) yield name
  }
}

/** Whether there is any key below `base`: a directory that a crashed writer left empty is none. */
async function holdsObject(walk: Walk, base: string): Promise<boolean> {
  const directories: string[] = []
  const hasFile = await step(walk, base, async () => {
    for await (const name of keyNames(walk, base)) {
      if (!name.endsWith('/')) return true
      directories.push(name)
    }
    return false
  })
  if (hasFile) return true
  for (const name of directories) if (await holdsObject(walk, base + name)) return true
  return false
}

async function objectEntries(walk: Walk, base: string, names: readonly string[]): Promise<ListEntry[]> {
  if (names.length === 0) return []
  // One that is removed between the directory's answer and this one is simply gone: whether the whole store is still
  // there is looked at when the listing ends.
  const infos = await Promise.all(
    names.map((name) => step(walk, base, () => unlessAbsent(lstat(join(walk.root, base, name))))),
  )
  return names.flatMap((name, at) => {
    const info = infos[at]
    return info?.isFile() ? [objectEntry(base + name, info)] : []
  })
}

function objectEntry(key: string, info: Stats): ListEntry {
  return { kind: 'object', key, size: info.size, storedAtMs: Math.floor(info.mtimeMs), versions: 1 }
}

function step<T>(walk: Walk, base: string, work: () => Promise<T>): Promise<T> {
  return walk.gate.run(() => explained(walk.url, `list ${base || 'the store'}`, work), walk.signal)
}
