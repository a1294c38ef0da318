import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isObjectKey } from '../../src/bucket/directory-key.ts'
import { requireS3Key } from '../../src/bucket/s3-key.ts'
import { secondName } from '../../src/format/key-name.ts'
import { checkNameTemplate, nameOf, storedName } from '../../src/format/whole-name.ts'

const logjam = '{prefix}/{year}/{month}/{day}/{filename}'
const facts = (path: string, more: Partial<Parameters<typeof nameOf>[1]> = {}) => ({
  path,
  modifiedMs: Date.UTC(2026, 10, 20, 9, 8, 7),
  host: 'web-1',
  source: 'lb',
  labels: { service: 'haproxy' },
  ...more,
})

describe('names of files delivered whole', () => {
  it.each([
    [
      logjam,
      '/var/log/my/haproxy-20130704T0000Z-us-west-2-i-ae23fega.log',
      'haproxy/2013/07/04/haproxy-20130704T0000Z-us-west-2-i-ae23fega.log',
    ],
    ['{prefix}/{hour}/{filename}', '/a/my_app.20130704T13Z.log', 'my_app/13/my_app.20130704T13Z.log'],
    ['{prefix}/{filename}', '/a/app.log.1', 'app/app.log.1'],
    ['{prefix}/{filename}', '/a/20130704T13Z.log', 'lb/20130704T13Z.log'],
    ['{year}{month}{day}T{hour}/{filename}', '/a/app.log.1', '20261120T09/app.log.1'],
    ['{host}/{name}/{path}', '/var/log/app.log.1', 'web-1/lb/var/log/app.log.1'],
    ['files/{labels.service}-{filename}', '/a/b', 'files/haproxy-b'],
    ['{filename}', '/a/.hidden', '=2Ehidden'],
    ['{path}', '/a/../b/x', 'a/=2E./b/x'],
    ['{filename}', '/a/k=v=2F.log', 'k=v=3D2F.log'],
    ['{filename}', '/a/日本.log', '=E6=97=A5=E6=9C=AC.log'],
    ['{filename}', '/a/\udc80x', '=80x'],
    ['{filename}', '/a/two\nlines', 'two=0Alines'],
  ])('%s names %s', (template, path, key) => {
    checkNameTemplate(template, { service: 'haproxy' })
    expect(nameOf(template, facts(path))).toBe(key)
  })

  it.each([
    ['', 'is empty', '{filename}'],
    ['{prefix}/{year}', 'neither {filename} nor {path}', '{prefix}/{year}/{filename}'],
    [
      '{prefix}/{year}/{month}{/{day}/{filename}',
      'stands alone',
      'write it as {prefix}/{year}/{month}/{day}/{filename}',
    ],
    ['{filname}', 'did you mean {filename}?', '{prefix}'],
    ['{label:service}/{filename}', 'did you mean {labels.service}?', '{labels.NAME}'],
    ['{labels.servce}/{filename}', 'did you mean service?', 'service'],
    ['{time}/{filename}', 'another at every look', '{year}'],
    ['{atime}-{filename}', 'another at every look', '{year}'],
    ['{ctime}-{filename}', 'another at every look', '{year}'],
    ['../{filename}', 'leads out of the prefix', '..'],
    ['a/./{filename}', 'leads out of the prefix', '..'],
    ['/{filename}', 'empty part', '/'],
    ['{filename}/', 'empty part', '/'],
    ['a//{filename}', 'empty part', '/'],
    ['ä/{filename}', 'not every store', 'A-Z'],
    ['segments/{filename}', 'where streams are kept', 'files/{filename}'],
  ])('refuses %s: %s', (template, problem, hint) => {
    const check = (): void => checkNameTemplate(template, { service: 'haproxy' })
    expect(check).toThrow(expect.objectContaining({ code: 'invalid', message: expect.stringContaining(problem) }))
    expect(check).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }))
  })

  it('ends as the compressor has it, unless the file is compressed already', () => {
    const name = (path: string, compress: 'none' | 'gzip' | 'zstd'): string =>
      storedName({ as: 'x/{filename}', compress }, facts(path))
    expect(name('/a/b.log', 'none')).toBe('x/b.log')
    expect(name('/a/b.log', 'gzip')).toBe('x/b.log.gz')
    expect(name('/a/b.log', 'zstd')).toBe('x/b.log.zst')
    expect(name('/a/b.log.GZ', 'zstd')).toBe('x/b.log.GZ')
  })

  it('a file whose name would lead among the streams is refused', () => {
    expect(() => nameOf('{prefix}/{filename}', facts('/a/segments-20130704T00Z.log'))).toThrow(/where streams are kept/)
  })

  const component = fc
    .oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), fc.string({ minLength: 200, maxLength: 255 }))
    .map((text) => text.replace(/[/\0]/g, '_'))
    .filter((text) => text !== '.' && text !== '..' && text !== '')
  const path = fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`)

  it('every path has a name that every store takes, below the prefix; the second one, too', () => {
    fc.assert(
      fc.property(path, fc.constantFrom(logjam, 'x/{path}', '{host}/{hour}-{filename}'), (file, template) => {
        const key = nameOf(template, facts(file))
        for (const name of [`${key}.zst`, secondName(`${key}.zst`, 'f'.repeat(64))]) {
          expect(isObjectKey(name)).toBe(true)
          requireS3Key(name, 'p/'.repeat(100))
        }
      }),
    )
  })

  it('no two paths have one name where {path} is the template', () => {
    fc.assert(
      fc.property(path, path, (one, other) => {
        if (one !== other) expect(nameOf('{path}', facts(one))).not.toBe(nameOf('{path}', facts(other)))
      }),
    )
  })

  it('what is too long as a whole is refused with the remedy', () => {
    const deep = `/${'directory/'.repeat(200)}app.log`
    expect(() => nameOf('{path}', facts(deep))).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('{filename}') }),
    )
  })
})
