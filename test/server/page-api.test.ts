import { describe, expect, it } from 'vitest'
import { encodeDigest } from '../../src/format/digest.ts'
import { digestKey, hourMs, hourOf } from '../../src/format/keys.ts'
import type { Published } from '../../src/server/content.ts'
import { pageRoutes } from '../../src/server/page-routes.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { ask, serveApi } from './api-fixture.ts'

guardLeaks()

const stream = '20261119T101500123456789Z-1a2b'

describe('the activity of a host', () => {
  it('is its bytes by the hours of their delivery, of the chains alone', async () => {
    const clock = createVirtualClock({ startMs: Date.parse('2026-11-21T10:20:00Z') })
    const api = await serveApi({ clock })
    const first = storedStream(api.bucket, 'web-1', stream, '/a')
    await first.append('12345')
    await clock.advance(2 * hourMs)
    await first.append('123')
    await first.stray(2, '0123456789abcdef', 'stray')
    await storedStream(api.bucket, 'web-1', '0-1', '/b').append('12')
    const activity = (await ask(api, '/api/v1/hosts/web-1/activity?hours=3')).json()
    expect(activity).toMatchObject({
      bytesPerHour: [5, 0, 5],
      firstHour: hourOf(clock.now() - 2 * hourMs),
      streams: 2,
      looked: 2,
      unread: 0,
      lastSign: null,
      unpublished: null,
    })
    expect(Date.parse(activity.lastStored)).toBe(clock.now())
    const shorter = (await ask(api, '/api/v1/hosts/web-1/activity?hours=1')).json()
    expect(shorter.bytesPerHour).toEqual([5])
    expect((await ask(api, '/api/v1/hosts/nobody/activity')).status).toBe(404)
  })

  it('says how far publishing is behind', async () => {
    const published: Published = { length: 2, window: '', read: async () => 0, close: async () => {} }
    const api = await serveApi({ openPublished: async (_host, one) => (one === stream ? published : undefined) })
    await storedStream(api.bucket, 'web-1', stream, '/a').append('12345')
    await storedStream(api.bucket, 'web-1', '0-1', '/b').append('12')
    expect((await ask(api, '/api/v1/hosts/web-1/activity')).json().unpublished).toBe(5)
  })

  it('looks at the youngest, and at an old stream that a sign of life names; hours to come are no sign', async () => {
    const clock = createVirtualClock({ startMs: Date.parse('2026-11-21T10:20:00Z') })
    const api = await serveApi({ clock })
    const old = '20200101T000000000000000Z-1'
    await storedStream(api.bucket, 'web-1', old, '/old').append('old')
    for (let at = 10; at < 40; at++)
      await storedStream(api.bucket, 'web-1', `20261119T1015${at}000000000Z-2`, `/${at}`).append('x')
    const activity = async () => (await ask(api, '/api/v1/hosts/web-1/activity')).json()
    const before = await activity()
    expect([before.streams, before.looked, before.bytesPerHour.at(-1)]).toEqual([31, 24, 24])
    const named = { stream: old, length: 3 }
    const digest = encodeDigest({ at: 'x', begun: 0, acked: 1, sealed: 0, streams: [named], more: 0 })
    const put = (hour: number, text: string) =>
      api.bucket.put(digestKey('web-1', hourOf(hour), '0123456789abcdef'), Buffer.from(text), { mode: 'create' })
    await put(clock.now() + 5 * hourMs, digest)
    await clock.advance(60_000)
    expect((await activity()).lastSign).toBeNull()
    await put(clock.now(), digest)
    await clock.advance(60_000)
    const after = await activity()
    expect([after.looked, after.bytesPerHour.at(-1), Date.parse(after.lastSign)]).toEqual([
      25,
      27,
      clock.now() - 60_000,
    ])
  })
})

describe('a stream that is verified by request', () => {
  const path = `/api/v1/hosts/web-1/streams/${stream}/verify`
  const events = (text: string) =>
    [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, name, data]) => [name, JSON.parse(data ?? '')])

  it('tells how far it is, then what was found', async () => {
    const asked: boolean[] = []
    const api = await serveApi({
      async verify(_host, _stream, { isQuick, onBytes }) {
        asked.push(isQuick)
        onBytes(5)
        return { verdict: 'fine', reasons: [], facts: { bytes: 5 } }
      },
    })
    await storedStream(api.bucket, 'web-1', stream, '/a').append('12345')
    const reply = await ask(api, `${path}?quick=true`)
    expect(reply.headers['content-type']).toContain('text/event-stream')
    expect(events(reply.body.toString()).at(-1)).toEqual([
      'result',
      { verdict: 'fine', reasons: [], facts: { bytes: 5 } },
    ])
    await ask(api, path)
    expect(asked).toEqual([true, false])
    expect((await ask(api, path.replace('1a2b', '1a2c'))).status).toBe(404)
    const document = (await ask(api, '/api/v1/openapi.json')).json()
    expect(Object.keys(document.paths)).toContain('/api/v1/hosts/{host}/streams/{stream}/verify')
  })

  it('has few places, and gives them back, also after a failure', async () => {
    let fail = (): void => {}
    let begun = 0
    const api = await serveApi({
      verify: () =>
        new Promise((_, reject) => {
          begun++
          fail = () => reject(new Error('broken'))
        }),
    })
    await storedStream(api.bucket, 'web-1', stream, '/a').append('12345')
    const first = ask(api, path)
    const second = ask(api, path)
    while (begun < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await ask(api, path)).status).toBe(503)
    fail()
    const ended = await Promise.race([first, second])
    expect(events(ended.body.toString()).at(-1)).toEqual(['problem', expect.objectContaining({ status: 500 })])
    expect(api.load.now.verifies).toBe(1)
  })
})

describe('the page', () => {
  it('is served whole, to everybody, and lets nothing run but itself', async () => {
    const routes = await pageRoutes()
    const api = await serveApi({
      routes,
      rules: { tokens: [{ name: 'a', sha256: '0'.repeat(64), hosts: ['*'] }], clients: [] },
    })
    const page = await ask(api, '/')
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/)
    const text = page.body.toString()
    expect(text).not.toMatch(/<style|<script(?![^>]* src=)|\son\w+=|\sstyle=/)
    const named = [...text.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, url]) => `/${url}`)
    expect(named.length).toBeGreaterThan(3)
    for (const url of named.filter((one) => !one.startsWith('/api/')))
      expect([url, (await ask(api, url)).status]).toEqual([url, 200])
    const { etag } = page.headers
    expect((await ask(api, '/', { headers: { 'if-none-match': String(etag) } })).status).toBe(304)
  })

  it('makes no markup of strings, loads nothing from elsewhere and keeps every import beside it', async () => {
    const routes = await pageRoutes()
    const api = await serveApi({ routes })
    const paths = routes.map(({ path }) => path)
    for (const path of paths.filter((one) => one.endsWith('.js'))) {
      const code = (await ask(api, path)).body.toString()
      // As short as the other sources.
      expect([path, code.split('\n').length <= 251]).toEqual([path, true])
      expect([
        path,
        code.match(
          /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?:\/\/(?!www\.w3\.org)/,
        ),
      ]).toEqual([path, null])
      for (const [, name] of code.matchAll(/from '\.\/([^']+)'/g)) expect(paths).toContain(`/page/${name}`)
    }
  })
})
