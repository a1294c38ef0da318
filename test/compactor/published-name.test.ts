import { posix } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathFromBytes } from '../../src/base/path-bytes.ts'
import { publishedName } from '../../src/compactor/published-name.ts'
import { hostName, parseStreamId } from '../../src/format/keys.ts'

const stream = '20261120T101500123456789Z-1a2b'

describe('published name', () => {
  it.each([
    ['/var/log/syslog', `web-1/var/log/syslog~${stream}`],
    ['/var/log/Nginx/access.log', `web-1/var/log/Nginx/access.log~${stream}`],
    ['/var//log/./a', `web-1/var/log/=2E/a~${stream}`],
    ['/../../etc/cron.d/evil', `web-1/=2E=2E/=2E=2E/etc/cron.d/evil~${stream}`],
    ['..', `web-1/..~${stream}`],
    ['', `web-1/~${stream}`],
    ['/', `web-1/~${stream}`],
    ['/a/b\n\u001b[31m', `web-1/a/b=0A=1B[31m~${stream}`],
    ['/a/name with [x] and ~', `web-1/a/name with [x] and ~~${stream}`],
    ['/.pm2/~x/log', `web-1/.pm2/=7Ex/log~${stream}`],
    ['/a/żółć', `web-1/a/żółć~${stream}`],
    [pathFromBytes(Buffer.from([0x2f, 0x61, 0xff, 0x62])), `web-1/a=FFb~${stream}`],
    ['/a\u202eb', `web-1/a=E2=80=AEb~${stream}`],
    ['C:\\x', `web-1/C:\\x~${stream}`],
  ])('%j', (path, expected) => {
    expect(publishedName('web-1', stream, path)).toBe(expected)
  })

  it('a name of 255 bytes is cut, with a hash', () => {
    const last = publishedName('web-1', stream, `/a/${'é'.repeat(127)}x`)
      .split('/')
      .at(-1)
    expect(Buffer.byteLength(last ?? '')).toBeLessThanOrEqual(255)
    expect(last).toMatch(new RegExp(`^é+=[0-9a-f]{16}~${stream}$`))
  })

  it('a path that is too deep or too long keeps its last name', () => {
    expect(publishedName('h', stream, `${'/a'.repeat(400)}/log`)).toMatch(/^h\/=long-[0-9a-f]{32}\/log~/)
    expect(publishedName('h', stream, `/${'~'.repeat(1700)}/log`)).toMatch(/^h\/=7E(.*)=[0-9a-f]{16}\/log~/)
    expect(publishedName('h', stream, `${`/${'b'.repeat(200)}`.repeat(5)}/log`)).toMatch(/^h\/=long-[0-9a-f]{32}\/log~/)
  })

  const hosts = fc
    .string({ minLength: 1, maxLength: 20 })
    .filter((host) => !/\p{Surrogate}/u.test(host) && Buffer.byteLength(host) < 60)
  const streams = fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 0, max: 999_999 }))
    .map(([inode, n]) => `0-${inode.toString(36)}${n === 0 ? '' : `.${n}`}`)
  const paths = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 600 }),
    fc.string({ unit: fc.constantFrom('/', '.', '~', '=', 'a', '\n', '\udc80', '\ud800', 'é'), maxLength: 400 }),
    fc
      .array(fc.constantFrom('..', '.', '', '~', `x~${stream}`, `.~${stream}.new`, '.logcask', 'a'))
      .map((parts) => parts.join('/')),
  )

  it('I9: never leads outside its host, and can be created', () => {
    fc.assert(
      fc.property(hosts, streams, paths, (host, id, path) => {
        const name = publishedName(host, id, path)
        expect(posix.normalize(name)).toBe(name)
        const [first, ...rest] = name.split('/')
        expect(first).toBe(hostName(host))
        expect(first?.startsWith('.')).toBe(false)
        expect(rest.length).toBeGreaterThan(0)
        for (const part of rest) {
          expect(['', '.', '..']).not.toContain(part)
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(255)
          expect(part).not.toMatch(/[\p{Cc}\p{Surrogate}]/u)
        }
        expect(Buffer.byteLength(name)).toBeLessThan(1024)
      }),
      { numRuns: 500 },
    )
  })

  it('is injective: host and stream can be read back, and no directory looks like a file', () => {
    fc.assert(
      fc.property(hosts, streams, paths, (host, id, path) => {
        const parts = publishedName(host, id, path).split('/')
        const last = parts.pop() ?? ''
        const stream = last.slice(last.lastIndexOf('~') + 1)
        expect(stream).toBe(id)
        expect(parseStreamId(stream)).toBeDefined()
        for (const directory of parts) expect(directory).not.toContain('~')
      }),
      { numRuns: 500 },
    )
  })
})
