import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Files } from '../../agent/files/files.ts'
import { localFiles } from '../../agent/files/local-files.ts'
import { rootedFiles } from '../../agent/files/rooted-files.ts'
import { pathForPeople } from '../../base/path-bytes.ts'
import { readMachine } from '../../config/machine.ts'
import { defaultStateDirectory } from '../../config/state-directory.ts'
import { parseStoreUrl } from '../../config/store-url.ts'
import { type CommandInput, isSet, textOf, textsOf, usageError } from '../command.ts'
import { resolvePaths } from './ship-paths.ts'
import { isCopiedTree, openSnapshot, resolveSnapshotPaths, type Snapshot } from './snapshot-root.ts'

/** Where the files of a run come from: this machine, or another one's disk. */
export interface ShipOrigin {
  host: string
  machineId: string | undefined
  paths: { literal: string[]; include: string[] }
  state: string
  isToldToAdopt: boolean
  /** This machine's files as the run is to see them. */
  files: (own: Files) => Files
  /** The state was made for this run alone. */
  cleanUp: () => Promise<void>
}

export async function shipOrigin(input: CommandInput): Promise<ShipOrigin> {
  const { values, positionals, env } = input
  const root = textOf(values, 'root')
  if (root !== undefined) return fromSnapshot(input, await openSnapshot(root))
  if (isSet(values, 'adopt'))
    throw usageError('--adopt is about a copied tree', 'name it: --root DIR, the directory that holds its /')
  const machine = await readMachine()
  return {
    host: textOf(values, 'host') ?? machine.hostname,
    machineId: machine.machineId,
    paths: await resolvePaths(positionals),
    state: textOf(values, 'state') ?? defaultStateDirectory(env),
    isToldToAdopt: false,
    files: (own) => own,
    cleanUp: () => Promise.resolve(),
  }
}

async function fromSnapshot({ values, positionals, terminal }: CommandInput, snapshot: Snapshot): Promise<ShipOrigin> {
  const { root } = snapshot
  const shown = pathForPeople(root)
  const host = textOf(values, 'host') ?? snapshot.host
  if (host === undefined)
    throw usageError(
      `--root ${shown}: nothing there says its host: neither var/lib/logcask/agent.json nor, without one, etc/hostname`,
      'name it with --host, as it is in the bucket (logcask ls URL)',
    )
  if (snapshot.host !== undefined && snapshot.host !== host)
    terminal.warn(
      `--host ${host}: what is under ${shown} was delivered as ${snapshot.host}; its streams do not go on here`,
    )
  if (snapshot.machineId === undefined)
    terminal.warn(`${shown} has no etc/machine-id: nobody can tell whether the streams of ${host} are this machine's`)
  refuseBelow(values, root)
  const files = (own: Files): Files => rootedFiles(own, root)
  const isToldToAdopt = isSet(values, 'adopt')
  const looking = files(localFiles({ birthTimes: true, spoolDirectory: '' }))
  if (!isToldToAdopt && (await isCopiedTree(snapshot, looking)))
    throw usageError(
      `--root ${shown}: is a copy of the files (rsync, cp): none has the inode that its agent knew`,
      'say --adopt, and its files are known by their content; a block level snapshot needs no such thing',
    )
  const paths = await resolveSnapshotPaths(snapshot, positionals)
  const given = textOf(values, 'state')
  // What was sent of another snapshot of this machine, older or newer, says nothing of this one: the buckets do.
  const state = given ?? (await mkdtemp(join(tmpdir(), 'logcask-root-')))
  return {
    host,
    machineId: snapshot.machineId,
    paths,
    state,
    isToldToAdopt,
    files,
    cleanUp: given === undefined ? () => rm(state, { recursive: true, force: true }) : () => Promise.resolve(),
  }
}

/** The root is only read, whatever it is mounted with. */
function refuseBelow(values: CommandInput['values'], root: string): void {
  const isBelow = (path: string): boolean => `${resolve(path)}/`.startsWith(`${root}/`)
  const state = textOf(values, 'state')
  if (state !== undefined && isBelow(state))
    throw usageError(`--state ${pathForPeople(state)}: lies under --root, where nothing is written`, 'name another')
  for (const url of textsOf(values, 'to')) {
    const address = parseStoreUrl(url)
    if (address.scheme === 'file' && isBelow(address.root))
      throw usageError(`--to ${url}: lies under --root, where nothing is written`, 'name another')
  }
}
