import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemClock } from '../../src/base/clock.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { tempDirectory } from '../support/temp-directory.ts'

/** A bucket on disk, for commands to read by its URL. */
export async function diskBucket(): Promise<{ bucket: Bucket; url: string; root: string; directory: string }> {
  const directory = await tempDirectory('reader')
  const root = join(directory, 'bucket')
  const bucket = createDirectoryBucket({ root, create: true }, systemClock)
  await bucket.put('probes/setup/made', Buffer.from('x'), { mode: 'create' })
  return { bucket, url: pathToFileURL(root).href, root, directory }
}

/** Asks again until `look` answers something else than undefined; the test's own deadline is the limit. */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
