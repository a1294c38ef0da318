import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isObjectKey } from '../../src/bucket/directory-key.ts'
import {
  type ArchivedFacts,
  archiveName,
  archivePrefix,
  checkArchiveTemplate,
  defaultArchiveTemplate,
  parseArchiveName,
} from '../../src/compactor/archive/archive-name.ts'
import type { Origin } from '../../src/format/origin.ts'

const stream = '20261120T101500123456789Z-1a2b'
const origin: Origin = { path: '/var/log/nginx/access.log', identity: stream, agent: '0.1.0', labels: { team: 'a/b' } }
const facts: ArchivedFacts = { host: 'web-1', stream, origin, length: 1234, encoding: 'gzip', isSealed: true }

describe('the name of an archived stream', () => {
  const room = `~${stream}-1234`
  it.each<[string, Partial<ArchivedFacts>, string]>([
    [defaultArchiveTemplate, {}, `host=web-1/date=2026-11-20/access.log${room}.gz`],
    [defaultArchiveTemplate, { encoding: 'none' }, `host=web-1/date=2026-11-20/access.log${room}`],
    [
      defaultArchiveTemplate,
      { encoding: 'zstd', isSealed: false },
      `host=web-1/date=2026-11-20/access.log${room}.unsealed.zst`,
    ],
    [defaultArchiveTemplate, { stream: '0-1a.2', host: 'web 1' }, 'host=web=201/date=none/access.log~0-1a.2-1234.gz'],
    ['files/{host}/{path}', {}, `files/web-1/var/log/nginx/access.log${room}.gz`],
    ['a/{host}/{labels.team}/{year}/{month}/{day}T{hour}', {}, `a/web-1/a=2Fb/2026/11/20T10${room}.gz`],
    ['{host}', {}, `web-1${room}.gz`],
    ['{host}/{stream}/{length}', {}, `web-1/${stream}/1234${room}.gz`],
    ['{host}/{labels.nobody}', {}, `web-1/none${room}.gz`],
    ['{host}/{path}', { origin: { ...origin, path: '/../.x/a=b\n' } }, `web-1/=2E./=2Ex/a=3Db=0A${room}.gz`],
    ['{host}/{path}', { origin: { ...origin, path: '///' } }, `web-1/none${room}.gz`],
  ])('%s of %j', (template, more, expected) => {
    checkArchiveTemplate(template)
    const name = archiveName(template, { ...facts, ...more })
    expect(name).toBe(expected)
    expect(name.startsWith(archivePrefix(template, more.host ?? 'web-1'))).toBe(true)
  })

  it.each([
    '{filename}',
    '{labels.team}/{host}/{filename}',
    '{host}{filename}',
    'segments/{host}',
    '{host}//{filename}',
    '{host}/../x',
    '/{host}',
    '{host}/{nobody}',
    '{host}/{filename',
    '{host}/ä',
  ])('refuses %s', (template) => {
    expect(() => checkArchiveTemplate(template)).toThrow()
  })

  it('I9: no two streams have one name, each is read back, and none leaves its host’s part', () => {
    const template = fc.constantFrom(defaultArchiveTemplate, '{host}', 'x/{host}/{path}', 'x{host}~y/{name}/{filename}')
    const one = fc.record({
      host: fc.oneof(
        fc.constantFrom('a', 'a~b', 'AB', '..', 'a/b'),
        fc.string({ minLength: 1, maxLength: 9, unit: 'binary' }),
      ),
      stream: fc.constantFrom('0-1', '0-1.1', '0-11', stream, `${stream}.1`),
      length: fc.oneof(fc.nat({ max: 11 }), fc.maxSafeNat()),
      isSealed: fc.boolean(),
      encoding: fc.constantFrom('none' as const, 'gzip' as const, 'zstd' as const),
      path: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 30 }),
        fc.constantFrom('~0-1-1', 'x~0-1-1.gz', '../~0-11-1/b', '/'.repeat(400), 'y'.repeat(3000), '/long'.repeat(300)),
      ),
    })
    const facts = (given: typeof one extends fc.Arbitrary<infer T> ? T : never): ArchivedFacts => ({
      ...given,
      origin: { ...origin, path: given.path },
    })
    fc.assert(
      fc.property(template, one, one, (as, a, b) => {
        const [first, second] = [archiveName(as, facts(a)), archiveName(as, facts(b))]
        expect(isObjectKey(first)).toBe(true)
        expect(first.startsWith(archivePrefix(as, a.host))).toBe(true)
        const { stream, length, isSealed, encoding } = a
        expect(parseArchiveName(first)).toEqual({ stream, length, isSealed, encoding })
        const same = (['host', 'stream', 'length', 'isSealed', 'encoding'] as const).every((key) => a[key] === b[key])
        if (!same) expect(first).not.toBe(second)
      }),
      { numRuns: 1000 },
    )
  })
})
