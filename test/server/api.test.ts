import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sha256 } from '../../src/base/hash.ts'
import { encodeDigest } from '../../src/format/digest.ts'
import { digestKey, hourMs, hourOf } from '../../src/format/keys.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { ask, type Json, serveApi } from './api-fixture.ts'

guardLeaks()

const older = '20261119T101500123456789Z-1a2b'
const newer = '20261120T101500123456789Z-1a2c'

async function setUp() {
  const api = await serveApi()
  const first = storedStream(api.bucket, 'web-1', older, '/var/log/a.log')
  await first.append('hello ')
  await first.append('world')
  await first.seal()
  const second = storedStream(api.bucket, 'web-1', newer, '/var/log/a.log', { labels: { service: 'web' } })
  await second.append('live')
  return { ...api, first, second }
}

type Asked = Awaited<ReturnType<typeof setUp>>

describe('hosts', () => {
  it('are listed by name, in pages, with their signs of life', async () => {
    const api = await setUp()
    const nowMs = Date.now()
    const digest = encodeDigest({ at: '2026-11-20T10:15:00.000Z', begun: 0, acked: 0, sealed: 0, streams: [], more: 0 })
    const agent = '0123456789abcdef'
    for (const [host, ago] of [
      ['db 1', 0],
      ['db/2', 5],
      ['db-3', 24 * 30],
    ] as const) {
      await storedStream(api.bucket, host, '0-1', '/b').append('b')
      await api.bucket.put(digestKey(host, hourOf(nowMs - ago * hourMs), agent), Buffer.from(digest), {
        mode: 'create',
      })
    }
    const all = (await ask(api, '/api/v1/hosts')).json()
    expect(all).toEqual({
      hosts: [
        { host: 'db 1', sign: 'alive', lastDigestHour: hourOf(nowMs) },
        { host: 'db-3', sign: 'silent', lastDigestHour: null },
        { host: 'db/2', sign: 'silent', lastDigestHour: hourOf(nowMs - 5 * hourMs) },
        { host: 'web-1', sign: 'none', lastDigestHour: null },
      ],
      next: null,
    })
    const page = (await ask(api, '/api/v1/hosts?name=db*&limit=2')).json()
    expect([page.hosts.map(({ host }: { host: string }) => host), page.next]).toEqual([['db 1', 'db-3'], 'db-3'])
    const rest = (await ask(api, '/api/v1/hosts?name=db*&limit=2&after=db-3')).json()
    expect([rest.hosts.map(({ host }: { host: string }) => host), rest.next]).toEqual([['db/2'], null])
    const silent = (await ask(api, '/api/v1/hosts?sign=silent')).json()
    expect(silent.hosts.map(({ host }: { host: string }) => host)).toEqual(['db-3', 'db/2'])
  })

  it('tell a history that was changed, and silent hours', async () => {
    const api = await setUp()
    const nowMs = Date.now()
    const put = async (agoHours: number, previous: string | undefined): Promise<string> => {
      const text = encodeDigest({ at: 'x', previous, begun: 0, acked: 0, sealed: 0, streams: [], more: 0 })
      const key = digestKey('web-1', hourOf(nowMs - agoHours * hourMs), '0123456789abcdef')
      await api.bucket.put(key, Buffer.from(text), { mode: 'create' })
      return sha256(Buffer.from(text))
    }
    const first = await put(6, sha256(Buffer.from('further back')))
    await put(4, first)
    await put(3, first)
    const { silentHours, broken } = (await ask(api, '/api/v1/hosts/web-1/digests?hours=8')).json()
    expect(silentHours).toEqual([5, 2, 1].map((ago) => hourOf(nowMs - ago * hourMs)))
    expect(broken).toEqual([{ hour: hourOf(nowMs - 3 * hourMs), agent: '0123456789abcdef', why: 'other predecessor' }])
  })
})

describe('streams', () => {
  const names = (reply: { json(): Json }): string[] =>
    reply.json().streams.map(({ stream }: { stream: string }) => stream)

  it('are listed, the youngest first, and filtered', async () => {
    const api = await setUp()
    const fork = storedStream(api.bucket, 'web-1', `${newer}.1`, '/var/log/other.log', {
      forkOf: { stream: newer, shared: 3 },
    })
    await fork.append('livid')
    await fork.stray(2, '0123456789abcdef', 'stray')
    await fork.gap('truncated', 5, 9)
    const list = (query: string) => ask(api, `/api/v1/hosts/web-1/streams${query}`)
    expect(names(await list(''))).toEqual([`${newer}.1`, newer, older])
    expect(names(await list('?state=sealed'))).toEqual([older])
    expect(names(await list('?name=*other*'))).toEqual([`${newer}.1`])
    expect(names(await list('?bornTo=2026-11-20T00:00:00Z'))).toEqual([older])
    expect(names(await list('?bornFrom=2026-11-20T00:00:00Z'))).toEqual([`${newer}.1`, newer])
    for (const finding of ['gap', 'fork', 'stray'])
      expect(names(await list(`?finding=${finding}`))).toEqual([`${newer}.1`])
    expect(names(await list('?finding=tampered'))).toEqual([])
    const pages: string[] = []
    for (let after = ''; ; ) {
      const page = await list(`?limit=1${after}`)
      pages.push(...names(page))
      const { next } = page.json()
      if (next === null) break
      after = `&after=${next}`
    }
    expect(pages).toEqual([`${newer}.1`, newer, older])
  })

  it('tell their origin, seals, gaps and generations', async () => {
    const api = await setUp()
    const one = (await ask(api, `/api/v1/hosts/web-1/streams/${older}`)).json()
    expect(one).toMatchObject({
      name: '/var/log/a.log',
      bytes: 11,
      segments: 2,
      state: 'sealed',
      sha256: [api.first.sha256],
      seals: [{ length: 11, sha256: api.first.sha256 }],
      gaps: [],
      strays: 0,
      born: '2026-11-19T10:15:00.123456789Z',
      generations: [older],
      published: null,
    })
    expect((await ask(api, `/api/v1/hosts/web-1/streams/${newer}`)).json().labels).toEqual({ service: 'web' })
  })

  it('of names that a host chose to do harm are shown with all of it escaped', async () => {
    const api = await serveApi()
    const host = 'h\u001b[2J<b>\u202e\n'
    const path = '/var/<script>alert(1)</script>\u001b]0;x\u0007\n\u202egol.txt\udc80\u009b1m'
    await storedStream(api.bucket, host, newer, path).append('x')
    const reply = await ask(api, `/api/v1/hosts/${encodeURIComponent(host)}/streams`)
    for (const { body } of [reply, await ask(api, '/api/v1/hosts')]) {
      expect(body.toString().trimEnd()).not.toMatch(/[<>\p{Cc}\p{Cf}\p{Cs}]/u)
    }
    expect(reply.json().streams[0]).toMatchObject({ host, name: path })
    expect(reply.json().streams[0].shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
    const content = await ask(api, `/api/v1/hosts/${encodeURIComponent(host)}/streams/${newer}/content`)
    expect([content.status, content.headers['content-disposition']]).toEqual([200, `attachment; filename="${newer}"`])
  })
})

describe('the OpenAPI document', () => {
  it('has all that is served, and every answer is as it says', async () => {
    const api = await setUp()
    await api.second.gap('truncated', 4, 9)
    const document = (await ask(api, '/api/v1/openapi.json')).json()
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths).sort()).toEqual(api.routes.map(({ path }) => path).sort())
    for (const [path, item] of Object.entries<Json>(document.paths)) {
      const url = path.replace('{host}', 'web-1').replace('{stream}', older)
      const status = await answers(api, url, item.get, document)
      expect([path, status]).toEqual([path, 200])
      const parameters = item.get.parameters.filter(({ in: place }: Json) => place === 'path')
      expect(parameters.map(({ name }: Json) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
    }
  })

  it('says what problems look like', async () => {
    const api = await setUp()
    const document = (await ask(api, '/api/v1/openapi.json')).json()
    const { get } = document.paths['/api/v1/hosts/{host}/streams/{stream}']
    const { get: list } = document.paths['/api/v1/hosts/{host}/streams']
    const streams = '/api/v1/hosts/web-1/streams'
    expect(await answers(api, `${streams}/${older}-nope`, get, document)).toBe(404)
    expect(await answers(api, `${streams}/0-99`, get, document)).toBe(404)
    expect(await answers(api, '/api/v1/hosts/nobody/streams', list, document)).toBe(404)
    expect(await answers(api, `${streams}?limit=0`, list, document)).toBe(400)
    expect(await answers(api, `${streams}?limit=201`, list, document)).toBe(400)
    expect(await answers(api, `${streams}?unknown=1`, list, document)).toBe(400)
    expect(await answers(api, `/api/v1/hosts/${'x'.repeat(300)}/streams`, list, document)).toBe(400)
    expect(await answers(api, '/api/v1/hosts/%ff/streams', list, document)).toBe(400)
    expect(api.bugs).toEqual([])
  })

  /** The status, once headers and body were held against the document. */
  async function answers(api: Pick<Asked, 'port'>, url: string, operation: Json, document: Json): Promise<number> {
    const reply = await ask(api, url)
    let response = operation.responses[reply.status]
    expect(response, `${url}: ${reply.status} is not in the document`).toBeDefined()
    if (response.$ref) response = document.components.responses[response.$ref.split('/').at(-1)]
    const [type = ''] = String(reply.headers['content-type']).split(';')
    const media = response.content[type]
    expect(media, `${url}: ${type} is not in the document`).toBeDefined()
    const schema = media.schema?.$ref ? document.components.schemas.Problem : media.schema
    if (schema) z.fromJSONSchema(schema).parse(reply.json())
    return reply.status
  }
})
