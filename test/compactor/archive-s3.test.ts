import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { defaultArchiveTemplate } from '../../src/compactor/archive/archive-name.ts'
import { createArchiveSink } from '../../src/compactor/archive/archive-sink.ts'
import { archiveOnce } from '../../src/compactor/archive/archiver.ts'
import { packStream } from '../../src/compactor/archive/pack-stream.ts'
import { type Fault, faults, firstTimes } from '../support/fault-s3-faults.ts'
import { bucketOn, faultS3 } from '../support/fault-s3-fixture.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { storedStream } from '../support/stored-stream.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const size = 9 * 1024 * 1024
const key = `host=web-1/date=none/a~0-1-${size}`

/** A sealed stream of 9 MiB, and an archive on S3 that takes it as it is. */
async function stage() {
  const server = await faultS3()
  const bucket = createMemoryBucket(systemClock)
  const stored = storedStream(bucket, 'web-1', '0-1', '/a')
  const content = patternBytes(size)
  for (let at = 0; at < size; at += 4_000_000) await stored.append(content.subarray(at, at + 4_000_000))
  const template = defaultArchiveTemplate
  const sink = createArchiveSink({ bucket: bucketOn(server), clock: systemClock, template, encoding: 'none' })
  const spoolDirectory = await tempDirectory('spool')
  return {
    server,
    stored,
    sink,
    spoolDirectory,
    content,
    count: (operation: string) =>
      server.requests.filter((one) => one.operation === operation && one.key.startsWith('host=')).length,
    archive: () =>
      archiveOnce({ bucket, sink, clock: systemClock, onEvent: () => {}, quietAfterMs: undefined, spoolDirectory }),
  }
}

describe('an archive on S3', () => {
  it('gets a long stream in parts, which only the completion makes an object, under a condition', async () => {
    const { server, stored, content, count, archive } = await stage()
    await stored.seal()
    expect(await archive()).toMatchObject({ sent: 1, errors: [] })
    expect(server.objects.body(key)?.equals(content)).toBe(true)
    const completion = server.requests.find((one) => one.operation === 'CompleteMultipartUpload' && one.key === key)
    expect(completion?.headers['if-none-match']).toBe('*')
    expect([count('UploadPart') > 1, count('PutObject')]).toEqual([true, 0])
    const encoded = server.requests.filter(({ headers }) => /gzip|zstd/.test(headers['content-encoding'] ?? ''))
    expect(encoded).toEqual([])
  })

  const once: [string, string, Fault][] = [
    ['a completion with a lost answer', 'CompleteMultipartUpload', faults.lost],
    ['a completion with 500 after it was done', 'CompleteMultipartUpload', faults['500-after']],
    ['an upload that the store has dropped', 'CompleteMultipartUpload', faults['409']],
    ['a lost part', 'UploadPart', faults['lost-before']],
    ['a torn part', 'UploadPart', faults['cut-upload']],
  ]
  it.each(once)('I1: %s: one object, with the right bytes', async (_what, operation, fault) => {
    const { server, stored, content, archive } = await stage()
    await stored.seal()
    server.fault(firstTimes(1, fault, (call) => call.operation === operation && call.key === key))
    const { sent, there, errors } = await archive()
    expect([sent + there, errors]).toEqual([1, []])
    expect(server.objects.versions(key)).toHaveLength(1)
    expect(server.objects.body(key)?.equals(content)).toBe(true)
  })

  it('I9: a seal that lies is met before the completion: no object, and no parts left', async () => {
    const { server, stored, count, archive } = await stage()
    await stored.seal({ sha256: createHash('sha256').update('other').digest('hex') })
    expect(await archive()).toMatchObject({ sent: 0, lies: 1, errors: [] })
    expect(server.objects.keys().filter((name) => name.startsWith('host='))).toEqual([])
    expect([count('CompleteMultipartUpload'), count('AbortMultipartUpload')]).toEqual([
      0,
      count('CreateMultipartUpload'),
    ])
  })

  describe('where a completion overwrites', () => {
    const overwrites = (call: { operation: string }): Fault | undefined =>
      call.operation === 'CompleteMultipartUpload' ? faults.ignore : undefined

    it('gets it in one request', async () => {
      const { server, stored, content, count, archive } = await stage()
      server.fault(overwrites)
      await stored.seal()
      expect(await archive()).toMatchObject({ sent: 1, errors: [] })
      expect(server.objects.body(key)?.equals(content)).toBe(true)
      expect([count('CreateMultipartUpload'), count('PutObject')]).toEqual([0, 1])
    })

    it('refuses more than 5 GiB, with the reason', async () => {
      const { server, stored, sink, spoolDirectory } = await stage()
      server.fault(overwrites)
      const length = 5 * 1024 ** 3 + 1
      const sealed = ['a'.repeat(64)]
      // biome-ignore lint/correctness/useYield: it is refused before it is read
      const unread = async function* (): AsyncGenerator<Uint8Array> {
        throw new Error('read')
      }
      const packed = await packStream(unread, { length, sealed, encoding: 'none' }, spoolDirectory)
      const header = { origin: stored.origin, encoding: 'none', length, sha256: packed.sha256, isSealed: true } as const
      await expect(sink.deliver(key, packed, header, undefined)).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining('one PUT takes 5 GiB at most'),
        hint: expect.stringContaining('this store overwrites'),
      })
    })
  })

  it('I2: a store that overwrites gets nothing', async () => {
    const { server, stored, archive } = await stage()
    await stored.seal()
    server.fault(({ operation }) => (operation === 'PutObject' ? faults.ignore : undefined))
    const { sent, errors } = await archive()
    expect([sent, errors]).toMatchObject([
      0,
      [{ code: 'refused', message: expect.stringContaining('nothing was sent') }],
    ])
    expect(server.objects.keys().filter((name) => name.startsWith('host='))).toEqual([])
  })
})
