import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { OpenFile } from '../../src/agent/files/files.ts'
import { localFiles } from '../../src/agent/files/local-files.ts'
import { extend, nothingShipped } from '../../src/agent/identity/evidence.ts'
import { attach, type Life, newDelivery, newLife } from '../../src/agent/life.ts'
import { SegmentReader } from '../../src/agent/shipping/segment-reader.ts'
import { tempDirectory } from '../support/temp-directory.ts'

/** A life of a file that holds `text`, of which destination `a` was sent everything and `b` nothing. */
async function lifeOf(text: string): Promise<{ path: string; life: Life; file: OpenFile }> {
  const directory = await tempDirectory()
  const path = join(directory, 'x.log')
  await writeFile(path, text)
  const file = (await localFiles({ birthTimes: true, spoolDirectory: directory }).open(path, false))!
  const { identity } = file
  const origin = { path, identity, agent: 'test' }
  const life = newLife({ identity, firstGeneration: 0, origin, source: 's', path, destinations: [] })
  life.file = file
  for (const name of ['a', 'b']) {
    const delivery = newDelivery(name)
    life.deliveries.set(name, delivery)
    attach(delivery, identity, nothingShipped)
  }
  const sent = life.deliveries.get('a')!
  sent.sent = sent.confirmed = extend(nothingShipped, new Uint8Array(0), Buffer.from(text)).footprint
  return { path, life, file }
}

const contentNow = (file: OpenFile) => ({ file, size: file.stat().size })

describe('reading a segment', () => {
  it('I1: a lagging destination gets no bytes of the life that follows the one another was sent', async () => {
    const { path, life, file } = await lifeOf('the life before\n')
    await writeFile(path, 'the life that follows, and is longer\n')
    const reader = new SegmentReader(1024)
    expect(await reader.read(life, contentNow(file), nothingShipped, file.stat().size)).toBeUndefined()
    await file.close()
  })

  it('I1: it gets what the other was sent, and what was appended since', async () => {
    const { path, life, file } = await lifeOf('one\n')
    await appendFile(path, 'two\n')
    const reader = new SegmentReader(1024)
    const read = await reader.read(life, contentNow(file), nothingShipped, 8)
    expect(Buffer.from(read!.bytes).toString()).toBe('one\ntwo\n')
    read!.release()
    await file.close()
  })

  it('reads and hashes once what two want at the same offset', async () => {
    const { life, file } = await lifeOf('one\n')
    const reader = new SegmentReader(1024)
    const reads = [1, 2].map(() => reader.read(life, contentNow(file), nothingShipped, 4))
    const [first, second] = await Promise.all(reads)
    expect(second!.bytes).toBe(first!.bytes)
    first!.release()
    second!.release()
    await file.close()
  })
})
