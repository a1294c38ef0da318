import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import fastGlob from 'fast-glob'
import type { Files } from '../../agent/files/files.ts'
import { FileCheckpoint } from '../../agent/state/checkpoint.ts'
import { readState } from '../../agent/state/state.ts'
import { errnoOf, messageOf } from '../../base/errors.ts'
import { resolveInRoot } from '../../base/in-root.ts'
import { pathForPeople, pathForSystem } from '../../base/path-bytes.ts'
import { usageError } from '../command.ts'

/** A machine whose disk is mounted here. */
export interface Snapshot {
  /** Without a slash at its end. */
  root: string
  /** What its agent delivers under; undefined where nothing there says it. */
  host: string | undefined
  machineId: string | undefined
  /** Its agent's state directory, as a path of this machine; undefined where none was found. */
  state: string | undefined
}

/** Where the packages put an agent's state. */
const stateThere = '/var/lib/logcask'

/** Looks only. Rejects with `invalid` for what is no other machine's root. */
export async function openSnapshot(given: string): Promise<Snapshot> {
  const root = await rootDirectory(given)
  const there = await resolveInRoot(root, stateThere)
  const directory = there === undefined ? undefined : `${root}${there}`
  // A record that cannot be read names a host that nobody here knows: --host must, not etc/hostname.
  const state = directory === undefined ? undefined : await readState(directory).catch(() => 'unreadable' as const)
  const machineId = await firstLine(root, '/etc/machine-id')
  return {
    root,
    host: state === 'unreadable' ? undefined : (state?.host ?? (await firstLine(root, '/etc/hostname'))),
    // systemd writes this word before the first boot has made one.
    machineId: machineId === 'uninitialized' ? undefined : machineId,
    state: state === undefined || state === 'unreadable' ? undefined : directory,
  }
}

async function rootDirectory(given: string): Promise<string> {
  const mount =
    'mount the snapshot read-only (ext4: -o ro,noload; xfs: -o ro,norecovery,nouuid) and name the mount point'
  const shown = pathForPeople(given)
  const path = await realpath(resolve(given)).catch((error) => {
    if (errnoOf(error) === 'ENOENT') throw usageError(`--root ${shown}: there is no such directory`, mount)
    throw usageError(`--root ${shown}: ${messageOf(error)}`, 'run as a user who may read it')
  })
  const [own, live] = [await stat(path, { bigint: true }), await stat('/', { bigint: true })]
  if (!own.isDirectory()) throw usageError(`--root ${shown}: is no directory`, mount)
  if (path === '/' || (own.dev === live.dev && own.ino === live.ino))
    throw usageError(
      `--root ${shown}: is the live system`,
      `leave --root out to ship this machine's own files; for a snapshot: ${mount}`,
    )
  return path
}

/** The first line of a file as that machine reads it, links included; undefined where there is none. */
async function firstLine(root: string, path: string): Promise<string | undefined> {
  const real = await resolveInRoot(root, path)
  if (real === undefined) return undefined
  const [line = ''] = (await readFile(pathForSystem(`${root}${real}`), 'utf8')).split('\n')
  return line.trim() || undefined
}

/** What was named, in the words of the machine that it comes from. */
export async function resolveSnapshotPaths(
  { root }: Snapshot,
  given: readonly string[],
): Promise<{ literal: string[]; include: string[] }> {
  const paths = { literal: [] as string[], include: [] as string[] }
  for (const path of given) {
    const shown = pathForPeople(path)
    if (!path.startsWith('/'))
      throw usageError(`${shown}: with --root, paths are those of the original machine`, 'begin with /, as in /var/log')
    const real = await resolveInRoot(root, path)
    if (real !== undefined) paths.literal.push(real)
    else if (fastGlob.isDynamicPattern(path)) paths.include.push(await resolvePattern(root, path))
    else
      throw usageError(
        `${shown}: no such file or directory under ${pathForPeople(root)}`,
        path.startsWith(`${root}/`)
          ? `name it as on the original machine: ${pathForPeople(path.slice(root.length))}`
          : 'name it as on the original machine; patterns need quotes',
      )
  }
  return paths
}

/** The part before the first wildcard may lead over links. */
async function resolvePattern(root: string, pattern: string): Promise<string> {
  const parts = pattern.split('/')
  const from = parts.findIndex((part) => part !== '' && fastGlob.isDynamicPattern(part))
  const base = await resolveInRoot(root, parts.slice(0, from).join('/') || '/')
  const fixed = base === undefined || base === '/' ? parts.slice(0, from).join('/') : fastGlob.escapePath(base)
  return [fixed, ...parts.slice(from)].join('/')
}

/** Enough to tell: all of a copy's files have other inodes. */
const comparedMax = 50

/**
 * Whether the tree was copied (rsync, cp): its agent's own record names files by inode and birth time, which a block level
 * snapshot keeps. Undefined where there is no record, or none of its files is there. `files` has the tree's own paths.
 */
export async function isCopiedTree({ state }: Snapshot, files: Files): Promise<boolean | undefined> {
  if (state === undefined) return undefined
  let copied: boolean | undefined
  // Of a version that we cannot read: nobody can tell.
  const lives = await new FileCheckpoint(state).load([]).catch(() => [])
  for (const life of lives.slice(0, comparedMax)) {
    if (life.ended) continue
    if ((await files.find(life.identity, [dirname(life.path)]).catch(() => undefined)) !== undefined) return false
    if (files.peek(life.path, false) !== undefined) copied = true
  }
  return copied
}
