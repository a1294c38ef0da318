import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { loadMax } from '../../src/server/load.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { storedStream, storeWithStrays } from '../support/stored-stream.ts'
import { ask, type Json, serveApi } from './api-fixture.ts'

guardLeaks()

const stream = '20261119T101500123456789Z-1a2b'
const base = `/api/v1/hosts/web-1/streams/${stream}`

async function setUp(options: Parameters<typeof serveApi>[0] = {}) {
  const api = await serveApi(options)
  return { ...api, stored: storedStream(api.bucket, 'web-1', stream, '/var/log/a.log') }
}

describe('content', () => {
  it('is what was delivered, whole and in ranges, whatever else lies there', async () => {
    const api = await setUp()
    const random = seededRandom(7)
    await storeWithStrays(api.stored, random.bytes(300_000), random)
    const { content } = api.stored
    const all = await ask(api, `${base}/content`)
    expect([all.status, all.headers['content-length'], all.headers['accept-ranges']]).toEqual([200, '300000', 'bytes'])
    expect(all.body.equals(content)).toBe(true)
    for (let round = 0; round < 30; round++) {
      const from = random.int(0, 299_999)
      const to = random.int(from, 299_999)
      const part = await ask(api, `${base}/content`, { headers: { range: `bytes=${from}-${to}` } })
      expect([part.status, part.headers['content-range']]).toEqual([206, `bytes ${from}-${to}/300000`])
      expect(part.body.equals(content.subarray(from, to + 1))).toBe(true)
    }
    const beyond = await ask(api, `${base}/content`, { headers: { range: 'bytes=300000-' } })
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */300000'])
    expect(beyond.headers['content-type']).toBe('application/problem+json')
  })

  it('grows, and its ETag says so', async () => {
    const api = await setUp()
    await api.stored.append('hello ')
    const { etag } = (await ask(api, `${base}/content`)).headers as { etag: string }
    expect(etag).toMatch(/^"20261119T101500123456789Z-1a2b\.6\.[0-9a-f]{16}"$/)
    const again = await ask(api, `${base}/content`, { headers: { 'if-none-match': etag } })
    expect([again.status, again.body.length]).toEqual([304, 0])
    await api.stored.append('world')
    const more = await ask(api, `${base}/content`, { headers: { 'if-none-match': etag } })
    expect([more.status, more.body.toString()]).toEqual([200, 'hello world'])
    const head = await ask(api, `${base}/content`, { method: 'HEAD' })
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '11', 0])
    expect(head.headers.etag).toBe(more.headers.etag)
  })

  it('of an empty file is empty; of none there is none', async () => {
    const api = await setUp()
    expect((await ask(api, `${base}/content`)).status).toBe(404)
    await api.stored.seal()
    const empty = await ask(api, `${base}/content`)
    expect([empty.status, empty.headers['content-length']]).toEqual([200, '0'])
  })

  it('whose beginning has expired says from where it can be read', async () => {
    const whole = createMemoryBucket(systemClock)
    const stored = storedStream(whole, 'web-1', stream, '/a')
    for (const part of ['a', 'b', 'c']) await stored.append(part.repeat(5000))
    const bucket = createMemoryBucket(systemClock)
    for await (const entry of whole.list('segments/')) {
      if (entry.kind !== 'object' || entry.key.includes('/00000000000000000000-')) continue
      const got = await whole.get(entry.key)
      await bucket.put(entry.key, got?.body ?? Buffer.alloc(0), { mode: 'create' })
    }
    const api = await serveApi({ bucket })
    const gone = await ask(api, `${base}/content`)
    expect([gone.status, gone.json().hint]).toEqual([410, 'ask for Range: bytes=5000-'])
    const rest = await ask(api, `${base}/content`, { headers: { range: 'bytes=5000-' } })
    expect([rest.status, rest.body.toString()]).toEqual([206, 'b'.repeat(5000) + 'c'.repeat(5000)])
  })

  it('that cannot be read to its end is cut, never filled up', async () => {
    const inner = createMemoryBucket(systemClock)
    let isBroken = false
    const bucket = {
      ...inner,
      get: (key: string, options: Parameters<typeof inner.get>[1]) =>
        isBroken && key.includes('/00000000000000000005-') ? Promise.resolve(undefined) : inner.get(key, options),
    }
    const api = await setUp({ bucket })
    await api.stored.append('hello')
    await api.stored.append(' world')
    expect((await ask(api, `${base}/content`)).body.toString()).toBe('hello world')
    isBroken = true
    await expect(ask(api, `${base}/content`)).rejects.toThrow(/aborted|hang up/)
    expect(api.bugs).toEqual([])
  })
})

describe('follow', () => {
  interface Seen {
    text: string
    events: { id: number; event?: string | undefined; data: Json }[]
  }

  /** Follows until the connection ends, or `until` is content. */
  function follow(
    port: number,
    query: string,
    headers: Record<string, string>,
    until: (seen: Seen) => boolean,
  ): Promise<Seen> {
    return new Promise((resolve) => {
      const seen: Seen = { text: '', events: [] }
      const socket = connect(port, '127.0.0.1')
      const extra = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(
        `GET ${base}/follow${query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${extra.join('')}\r\n`,
      )
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        seen.text += bytes
        seen.events = [...seen.text.matchAll(/id: (\d+)\n(?:event: (\w+)\n)?data: (.*)\n\n/g)].map(
          ([, id, event, data]) => ({
            id: Number(id),
            event,
            data: JSON.parse(data ?? ''),
          }),
        )
        if (until(seen)) socket.destroy()
      })
      socket.on('close', () => resolve(seen))
    })
  }

  const bytesOf = ({ events }: Seen): string =>
    events.map(({ data }) => Buffer.from(data.base64 ?? '', 'base64').toString()).join('')

  it('sends what comes, resumes at a byte, and ends with the seal', async () => {
    const api = await setUp()
    await api.stored.append('hello ')
    const first = follow(api.port, '?from=2', {}, (seen) => bytesOf(seen) === 'llo world')
    await expect.poll(() => api.load.now.follows).toBe(1)
    await api.stored.append('world')
    const { events, text } = await first
    expect(text).toMatch(/^HTTP\/1.1 200 [\s\S]*content-type: text\/event-stream/i)
    expect(events.at(-1)).toMatchObject({ id: 11, data: { end: 11 } })
    await expect.poll(() => api.load.now.follows).toBe(0)
    await api.stored.append('!')
    await api.stored.seal()
    const rest = await follow(api.port, '', { 'last-event-id': '11' }, () => false)
    expect(rest.events.map(({ id, event }) => [id, event])).toEqual([
      [12, undefined],
      [12, 'sealed'],
    ])
    expect(bytesOf(rest)).toBe('!')
    const done = await ask(api, `${base}/follow`, { headers: { 'last-event-id': '12' } })
    expect(done.status).toBe(204)
  })

  it('begins near the end where it is asked to, and says no to nonsense', async () => {
    const api = await setUp()
    await api.stored.append('hello world')
    const seen = await follow(api.port, '?tail=5', {}, ({ events }) => events.length > 0)
    expect(bytesOf(seen)).toBe('world')
    expect((await ask(api, `${base}/follow`, { headers: { 'last-event-id': '-1' } })).status).toBe(400)
    expect((await ask(api, `${base}/follow?tail=9999999999`)).status).toBe(400)
    expect((await ask(api, `/api/v1/hosts/web-1/streams/0-9/follow`)).status).toBe(404)
  })
})

describe('slow and vanished clients', () => {
  const count = process.env.LOGCASK_LONG ? 1_000 : 60

  it(`I7: ${count} that take nothing leave it answering, in bounded memory`, async () => {
    let answered = 0
    const api = await setUp({ onAnswered: (status) => (answered += status === 200 ? 1 : 0) })
    // More than the kernel's buffers of a connection take, so that each of them is in the midst of it.
    const part = Buffer.alloc(16 * 1024 * 1024, 'x')
    await api.stored.append(part)
    const sockets: Socket[] = []
    onTestFinished(() => sockets.forEach((socket) => void socket.destroy()))
    const before = process.memoryUsage().rss
    let heldMost = 0
    while (sockets.length < count) {
      for (let at = 0; at < 20; at++) {
        const socket = connect(api.port, '127.0.0.1').on('error', () => {})
        socket.write(`GET ${base}/content HTTP/1.1\r\nhost: localhost\r\n\r\n`)
        sockets.push(socket.pause())
      }
      await expect.poll(() => answered, { timeout: 60_000 }).toBe(sockets.length)
      heldMost = Math.max(heldMost, api.load.now.contents)
    }
    // The kernel takes 4 MB for each; where that takes more than a minute, the first ones have been hung up on.
    expect(heldMost).toBeGreaterThan(count / 2)
    const tail = await ask(api, `${base}/content`, { headers: { range: 'bytes=-3' } })
    expect([tail.status, tail.body.toString()]).toEqual([206, 'xxx'])
    const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20
    if (process.env.LOGCASK_LONG)
      console.log(`${count} slow readers, ${heldMost} at once: ${Math.round(grownMiB)} MiB more resident`)
    expect(grownMiB).toBeLessThan(300)
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => api.load.now.contents).toBe(0)
    const whole = await ask(api, `${base}/content`)
    expect(createHash('sha256').update(whole.body).digest('hex')).toBe(api.stored.sha256)
  }, 400_000)

  it('I7: more than there is room for are told to come again', async () => {
    const api = await setUp()
    await api.stored.append('x')
    const places = Array.from({ length: loadMax.contents }, () => api.load.take('contents'))
    const refused = await ask(api, `${base}/content`)
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5'])
    places[0]?.()
    expect((await ask(api, `${base}/content`)).status).toBe(200)
  })
})
