import { mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeDirectory } from '../base/atomic-file.ts'
import { type Clock, isoTime } from '../base/clock.ts'
import { LogcaskError, messageOf } from '../base/errors.ts'
import { decodeRecord, encodeRecord, textField } from '../format/record.ts'
import { directoryMode, type FileCreator, unlessExists } from './directory-create.ts'
import { unlessAbsent } from './directory-errors.ts'

/**
 * A store is where `<root>/.logcask/store.json` is. A directory without it is a mount that is missing, never an empty
 * store (I4).
 */
export interface StoreGuard {
  /**
   * The root without symlinks, while the store is there. Makes the store first where that was allowed and none was seen
   * yet. Rejects `unavailable` where it is missing, `refused` where something else is in its place.
   */
  require(): Promise<string>
}

/** A fresh ext4 file system is empty but for this. */
export const fileSystemOwn = 'lost+found'

export function guardStore(
  settings: { root: string; create: boolean },
  clock: Pick<Clock, 'id' | 'now'>,
  creator: FileCreator,
): StoreGuard {
  const { root, create } = settings
  const url = pathToFileURL(root).href
  let known: { device: number; inode: number; id: string; realRoot: string } | undefined

  return {
    async require() {
      let info = await unlessAbsent(stat(markerPath(root)))
      if (info === undefined) {
        if (known !== undefined || !create) throw missing(url, root)
        await makeStore(root, url, clock, creator)
        info = await stat(markerPath(root))
      }
      if (known?.device === info.dev && known.inode === info.ino) return known.realRoot
      const id = await storeId(root)
      if (id === undefined) throw missing(url, root)
      if (known !== undefined && known.id !== id) {
        throw new LogcaskError('refused', `${url}: is another store than before (${id}, was ${known.id})`, {
          hint: 'mount the one that was there; if the change is meant, restart logcask',
        })
      }
      known = { device: info.dev, inode: info.ino, id, realRoot: await realpath(root) }
      return known.realRoot
    },
  }
}

/**
 * The id that a store was given when it was made, or undefined where there is none: what a caller keeps so as not to
 * take an empty mount point for a new destination. Rejects with `refused` for a marker of another version.
 */
export async function storeId(root: string): Promise<string | undefined> {
  const text = await unlessAbsent(readFile(markerPath(root)))
  if (text === undefined) return undefined
  try {
    return textField(decodeRecord(text, markerPath(root)), 'id', markerPath(root))
  } catch (error) {
    const hint = error instanceof LogcaskError ? error.hint : undefined
    throw new LogcaskError('refused', messageOf(error), { hint, cause: error })
  }
}

function markerPath(root: string): string {
  return join(root, '.logcask', 'store.json')
}

function missing(url: string, root: string): LogcaskError {
  return new LogcaskError('unavailable', `${url}: no store is there (.logcask/store.json is missing)`, {
    hint: `is it mounted? look: df ${root}`,
  })
}

async function makeStore(
  root: string,
  url: string,
  clock: Pick<Clock, 'id' | 'now'>,
  creator: FileCreator,
): Promise<void> {
  await makeDirectory(root, directoryMode)
  const names = (await readdir(root)).filter((name) => name !== '.logcask' && name !== fileSystemOwn)
  // Another process may have made the store, and its first objects, between our look at the marker and this one.
  if (names.length > 0 && (await storeId(root)) === undefined) {
    throw new LogcaskError('refused', `${url}: is not empty, and no store of ours`, {
      hint: `name an empty or a new directory, such as ${url.replace(/\/$/, '')}/logcask`,
    })
  }
  await mkdir(join(root, '.logcask'), { mode: directoryMode }).catch(unlessExists)
  await creator.prepare()
  const marker = encodeRecord({ id: clock.id(16), createdAt: isoTime(clock.now()) })
  await creator.create(markerPath(root), Buffer.from(`${marker}\n`))
}
