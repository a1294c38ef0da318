import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { errnoOf } from '../../base/errors.ts'
import { retryingReads } from '../../bucket/retrying-reads.ts'
import type { Counterpart } from '../../compactor/verify-against.ts'
import { bucketCounterpart } from '../../compactor/verify-bucket.ts'
import { directoryCounterpart } from '../../compactor/verify-directory.ts'
import type { CommandInput } from '../command.ts'
import { openBucket, storeSettings } from '../compose/open-bucket.ts'

/** What `--against` names: a second bucket by its URL, or a compactor's directory. The caller closes it. */
export async function openCounterpart({ values, clock, signal }: CommandInput, named: string): Promise<Counterpart> {
  const path = /^file:\/\/\//i.test(named) ? fileURLToPath(named) : named
  const isPath = !/^[a-z][a-z0-9+.-]*:\/\//i.test(path)
  const root = isPath ? resolve(path) : undefined
  if (root !== undefined && !(await isStore(root))) return directoryCounterpart(root)
  const url = root === undefined ? named : pathToFileURL(root).href
  const bucket = await openBucket(url, storeSettings(values), 'read', clock)
  return bucketCounterpart(retryingReads(bucket, clock), signal)
}

/** The embedded store says what it is (bucket/directory-marker.ts); a compactor's directory keeps a lock in that place. */
async function isStore(root: string): Promise<boolean> {
  try {
    await stat(join(root, '.logcask', 'store.json'))
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false
    throw error
  }
}
