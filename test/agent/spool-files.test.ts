import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { type SpoolEntry, SpoolFiles } from '../../src/agent/spool/spool-files.ts'
import { type Disk, localDisk } from '../../src/base/disk.ts'
import { tempDirectory } from '../support/temp-directory.ts'

it('I5: what cannot be read in the spool stands in the way of its own file: asked again, and no bug of ours', async () => {
  const directory = await tempDirectory()
  const path = join(directory, 'a.log')
  await writeFile(path, 'kept')
  const file = await localFiles({ birthTimes: true, spoolDirectory: directory }).open(path, false)
  if (file === undefined) throw new Error('is there')
  const disk: Disk = {
    ...localDisk,
    async open(...given) {
      const handle = await localDisk.open(...given)
      handle.read = () => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }))
      return handle
    },
  }
  const files = new SpoolFiles<SpoolEntry>(join(directory, 'spool'), disk)
  const record: SpoolEntry = { v: 1, key: 'a', to: ['eu'], from: 0, end: 4, seen: 4, isOver: true }
  await files.write(record, 0, file)
  await file.close()
  const kept = await files.open(record, file.identity)
  await expect(kept.read(Buffer.alloc(4), 0)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^cannot read .*rescued-.*EIO/),
  })
})
