import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { errnoOf } from '../../base/errors.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { retryingReads } from '../../bucket/retrying-reads.ts'
import { checkArchiveTemplate, defaultArchiveTemplate } from '../../compactor/archive/archive-name.ts'
import type { Counterpart } from '../../compactor/verify-against.ts'
import { archiveCounterpart } from '../../compactor/verify-archive.ts'
import { bucketCounterpart } from '../../compactor/verify-bucket.ts'
import { directoryCounterpart } from '../../compactor/verify-directory.ts'
import { type CommandInput, textOf } from '../command.ts'
import { openBucket, storeSettings } from '../compose/open-bucket.ts'

/** What `--against` names: a compactor's directory, or by its URL a second bucket or an archive. The caller closes it. */
export async function openCounterpart({ values, clock, signal }: CommandInput, named: string): Promise<Counterpart> {
  const path = /^file:\/\/\//i.test(named) ? fileURLToPath(named) : named
  const isPath = !/^[a-z][a-z0-9+.-]*:\/\//i.test(path)
  const root = isPath ? resolve(path) : undefined
  if (root !== undefined && !(await isStore(root))) return directoryCounterpart(root)
  const url = root === undefined ? named : pathToFileURL(root).href
  const template = textOf(values, 'as')
  if (template !== undefined) checkArchiveTemplate(template)
  const bucket = await openBucket(url, storeSettings(values), 'read', clock)
  try {
    const reading = retryingReads(bucket, clock)
    const isArchive = await holdsArchive(reading, template ?? defaultArchiveTemplate, signal)
    return isArchive
      ? archiveCounterpart(reading, template ?? defaultArchiveTemplate, signal)
      : bucketCounterpart(reading, signal)
  } catch (error) {
    await bucket.close()
    throw error
  }
}

/** An archive has no rooms of streams, and something by its template. */
async function holdsArchive(bucket: Bucket, template: string, signal: AbortSignal): Promise<boolean> {
  const isThere = async (prefix: string): Promise<boolean> => {
    for await (const _ of bucket.list(prefix, { delimiter: '/', signal })) return true
    return false
  }
  if ((await isThere('segments/')) || (await isThere('seals/'))) return false
  return isThere(template.slice(0, template.indexOf('{host}')))
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
