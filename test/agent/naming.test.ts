import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { labelsOf, type Rename } from '../../src/agent/discovery/naming.ts'
import { labels as labelsSchema } from '../../src/config/naming-schema.ts'
import { renameNames } from '../../src/config/template.ts'
import { decodeOrigin, encodeOrigin } from '../../src/format/origin.ts'
import { type Rig, rig } from './rig.ts'

const settings = { host: 'web-1', machine: 'm1', instance: { instanceId: 'i-0abc', awsUserId: 'AROA1:i-0abc' } }
const hint = {
  identity: '0-a',
  stamp: '',
  modifiedMs: 1_700_000_000_123.9,
  size: 1,
  changedMs: 1_700_000_000_456,
  accessedMs: 1_700_000_000_789,
  device: 2049n,
  inode: 4711n,
}
const nameOf = (rename: Rename | undefined, path: string, name = 'messages'): string | undefined =>
  labelsOf(settings, { name, rename }, path, hint, 42)?.name

/** Plain text without a slash. */
const part = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'abc.-_ $1'), minLength, maxLength })

describe('what a source calls its files', () => {
  it.each<[Rename, string, string | undefined]>([
    // shaftlog's default.
    ['{name}.{mtime}', '/var/log/messages', 'messages.1700000000123'],
    ['{name}-{time}-{atime}-{ctime}', '/var/log/messages', 'messages-42-1700000000789-1700000000456'],
    ['{ino}@{dev}', '/var/log/messages', '4711@2049'],
    ['{host}/{machine_id}/{instance_id}/{aws_userid}', '/x', 'web-1/m1/i-0abc/AROA1:i-0abc'],
    ['{path}', '/var/log/a b', 'var/log/a b'],
    ['archive/{filename}', '/var/log/a b', 'archive/a b'],
    // shaftlog's sudo-io.
    [{ from: '^/var/log/sudo-io/(.*)', to: 'sudo-io/$1' }, '/var/log/sudo-io/00/00/01/log', 'sudo-io/00/00/01/log'],
    [{ from: '^/var/log/sudo-io/(.*)', to: 'sudo-io/$1' }, '/var/log/syslog', undefined],
    [{ from: '^/(?<a>[^/]+)/(.*)$', to: '{host}/$<a>/$2' }, '/srv/x/y', 'web-1/srv/x/y'],
  ])('%j makes of %s: %s', (rename, path, expected) => expect(nameOf(rename, path)).toBe(expected))

  it('what stands for a value is never read as a group', () => {
    expect(nameOf({ from: '^(.*)$', to: '{name}:$1' }, '/a', '$1$1')).toBe('$1$1:/a')
  })

  it('knows every name that a configuration may use', () => {
    for (const name of renameNames) expect(nameOf(`{${name}}`, '/var/log/messages')).toMatch(/./)
  })

  it('labels go with it, and without either there are none', () => {
    const source = { name: 's', labels: { service: 'web' } }
    expect(labelsOf(settings, source, '/a', hint, 0)).toEqual({ service: 'web' })
    expect(labelsOf(settings, { ...source, rename: '{filename}' }, '/a', hint, 0)).toEqual({
      service: 'web',
      name: 'a',
    })
    expect(labelsOf(settings, { name: 's' }, '/a', hint, 0)).toBeUndefined()
  })

  it('named groups of labelsFrom are labels as well; a path that it does not match has those that are set', () => {
    const labelsFrom = '^/var/log/pods/(?<namespace>[^_/]+)_(?<pod>[^_/]+)_(?<uid>[^/]+)/(?<container>[^/]+)/'
    const source = { name: 's', labels: { cluster: 'c1', uid: 'mine' }, labelsFrom }
    expect(labelsOf(settings, source, '/var/log/pods/shop_cart-7d9_1c2d/main/0.log.2', hint, 0)).toEqual({
      cluster: 'c1',
      namespace: 'shop',
      pod: 'cart-7d9',
      uid: '1c2d',
      container: 'main',
    })
    expect(labelsOf(settings, source, '/var/log/syslog', hint, 0)).toEqual(source.labels)
    expect(labelsOf(settings, { ...source, rename: '{filename}' }, '/var/log/pods/a_b_c/d/0.log', hint, 0)).toEqual({
      ...{ cluster: 'c1', namespace: 'a', pod: 'b', uid: 'c', container: 'd', name: '0.log' },
    })
    // An empty group says nothing; what cannot be seen is not in a label.
    const odd = { name: 's', labelsFrom: '^/(?<a>x?)/(?<b>.*)$' }
    expect(labelsOf(settings, odd, '//b\u0007c\udc80', hint, 0)).toEqual({ b: 'b\ufffdc\ufffd' })
  })

  it('whatever a path holds, its labels fit into the origin, and are as a configuration may have them', () => {
    const source = { name: 's', labels: { team: 'x'.repeat(100) }, labelsFrom: '^/(?<a>[^/]*)/(?<b>[^/]*)/(?<c>.*)$' }
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const labels = labelsOf(settings, source, `/${text}`, hint, 0) ?? {}
        expect(labelsSchema.safeParse(labels).success).toBe(true)
        expect(labels.team).toBe(source.labels.team)
      }),
    )
  })

  it('however long, two names stay two, and an origin with them fits', () => {
    fc.assert(
      fc.property(part(380, 900), part(0, 5), (start, end) => {
        const [one, other] = [`/${start}`, `/${start}${end}`].map((path) => nameOf('{filename}x', path))
        expect(one === other).toBe(end === '')
        const labels = { service: 'x'.repeat(128), more: 'x'.repeat(128), other: 'x'.repeat(128), name: one ?? '' }
        const origin = { path: '/p', identity: '0-a', agent: 'logcask', labels }
        expect(decodeOrigin(encodeOrigin(origin))).toEqual(origin)
      }),
    )
  })
})

describe('labels', () => {
  let at: Rig
  beforeEach(async () => {
    at = await rig()
  })
  afterEach(() => at.close())

  it('are in the origin of the first segment, and stay when the file is truncated', async () => {
    const log = join(at.logs, 'app.log')
    await writeFile(log, 'one\n')
    const daemon = at.daemon({ source: { labels: { service: 'web' }, rename: 'web/{filename}' } })
    await at.delivered(['one\n'])
    await writeFile(log, 'x\n')
    await at.delivered(['one\n', 'x\n'])
    await daemon.stop()
    const origins = await Promise.all(
      (await at.keys('a', 'segments/')).map(async (key) => (await at.buckets.get('a')?.head(key))?.metadata.origin),
    )
    expect(origins).toHaveLength(2)
    for (const origin of origins)
      expect(decodeOrigin(origin ?? '').labels).toEqual({ service: 'web', name: 'web/app.log' })
  })
})
