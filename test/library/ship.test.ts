import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/base/hash.ts'
import { type DeliveryEvent, ship, stream } from '../../src/index.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { contentOf, failureOf, host, place } from './place.ts'

describe('ship', () => {
  it('delivers everywhere, with a receipt for each file, and nothing twice', async () => {
    const { logs, url, other, options } = await place()
    const bytes = patternBytes(300_000, 1)
    await writeFile(join(logs, 'a.log'), bytes)
    await writeFile(join(logs, 'empty.log'), '')
    await writeFile(join(logs, 'left.out'), 'x')
    const events: DeliveryEvent[] = []
    const given = { ...options, to: [url, { url: other, name: 'nas' }], exclude: ['*.out'], labels: { service: 'api' } }
    const outcome = await ship(logs, { ...given, onEvent: (event) => events.push(event) })
    const to = [expect.any(String), 'nas']
    const receipt = (length: number, hash: string) => ({
      stream: expect.any(String),
      length,
      sha256: hash,
      destinations: to,
    })
    expect(outcome).toEqual({
      status: 'delivered',
      host,
      files: expect.arrayContaining([
        {
          path: join(logs, 'a.log'),
          length: 300_000,
          status: 'delivered',
          receipts: [receipt(300_000, sha256(bytes))],
          missing: [],
        },
        {
          path: join(logs, 'empty.log'),
          length: 0,
          status: 'delivered',
          receipts: [receipt(0, sha256(new Uint8Array(0)))],
          missing: [],
        },
      ]),
      destinations: [
        { name: expect.any(String), url, status: 'delivered', missing: { files: 0, bytes: 0 } },
        { name: 'nas', url: other, status: 'delivered', missing: { files: 0, bytes: 0 } },
      ],
      problems: [],
    })
    expect(outcome.files).toHaveLength(2)
    const sent = (all: DeliveryEvent[]) => all.filter((event) => event.kind === 'acked' && event.wasSent)
    expect(sent(events)).toHaveLength(2)
    const again: DeliveryEvent[] = []
    expect((await ship(logs, { ...given, onEvent: (event) => again.push(event) })).status).toBe('delivered')
    expect(sent(again)).toEqual([])
  })

  it('says what failed and delivers the rest', async () => {
    const { directory, logs, url, options } = await place()
    await writeFile(join(logs, 'a.log'), 'a\n')
    const locked = join(directory, 'locked')
    await mkdir(locked)
    await writeFile(join(locked, 'file'), '')
    // A file where the bucket's directory should be refuses everything, whoever asks.
    const outcome = await ship(logs, { ...options, to: [url, pathToFileURL(join(locked, 'file')).href] })
    expect(outcome).toMatchObject({
      status: 'failed',
      files: [{ status: 'failed', receipts: [{ length: 2 }], missing: [outcome.destinations[1]?.name] }],
      destinations: [
        { status: 'delivered' },
        { status: 'failed', missing: { files: 1, bytes: 2 }, problem: expect.any(String), hint: expect.any(String) },
      ],
    })
    expect(await contentOf(url, 'a.log')).toBe('a\n')
  })

  it.skipIf(process.getuid?.() === 0)(
    'a file that may not be read is a problem, with its path (root may read all)',
    async () => {
      const { logs, options } = await place()
      await writeFile(join(logs, 'a.log'), 'a\n')
      await writeFile(join(logs, 'secret.log'), 'b\n')
      await chmod(join(logs, 'secret.log'), 0)
      expect(await ship(logs, options)).toMatchObject({
        status: 'failed',
        files: [{ path: join(logs, 'a.log'), status: 'delivered' }],
        problems: [{ place: join(logs, 'secret.log'), hint: expect.stringContaining('read') }],
      })
    },
  )

  it('rejects where nothing could be done, with what to do', async () => {
    const { logs, options } = await place()
    expect(await failureOf(ship(join(logs, 'nothing'), options))).toMatchObject({ code: 'invalid' })
    expect(await failureOf(ship([], options))).toMatchObject({ code: 'invalid', hint: expect.any(String) })
    await writeFile(join(logs, 'a.log'), 'a\n')
    for (const to of [[], 's4://bucket', ['file:///a', 'file:///a/']])
      expect(await failureOf(ship(logs, { ...options, to }))).toMatchObject({
        code: 'invalid',
        hint: expect.any(String),
      })
    expect(await failureOf(ship(logs, { ...options, labels: { Bad: 'x' } }))).toMatchObject({ code: 'invalid' })
    await using held = await stream(join(logs, 'a.log'), options)
    expect(held.host).toBe(host)
    expect(await failureOf(ship(logs, options))).toMatchObject({ code: 'conflict', hint: expect.any(String) })
  })

  it('a signal ends it with its reason, and what throws in onEvent ends it, too', async () => {
    const { logs, options } = await place()
    await writeFile(join(logs, 'a.log'), 'a\n')
    const reason = new Error('enough')
    await expect(ship(logs, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const fault = new Error('fault of the caller')
    const onEvent = (): void => {
      throw fault
    }
    await expect(ship(logs, { ...options, onEvent })).rejects.toBe(fault)
    expect((await ship(logs, options)).status).toBe('delivered')
  })
})
