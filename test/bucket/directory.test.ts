import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { bucketSuite } from '../support/bucket-suite.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { makeTempDirectory } from '../support/temp-directory.ts'

guardLeaks()

bucketSuite(
  'directory',
  async () => {
    const { path, remove } = await makeTempDirectory('store')
    return { bucket: createDirectoryBucket({ root: join(path, 'store'), create: true }, systemClock), close: remove }
  },
  { tellsCase: process.platform !== 'darwin' },
)
