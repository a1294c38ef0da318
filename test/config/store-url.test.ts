import { describe, expect, it } from 'vitest'
import { nameOfAddress, parseStoreUrl, placeOfAddress } from '../../src/config/store-url.ts'

describe('the address of a store', () => {
  it.each([
    ['file:///mnt/nas', { scheme: 'file', root: '/mnt/nas' }],
    ['file:///mnt/nas//', { scheme: 'file', root: '/mnt/nas' }],
    ['file:///', { scheme: 'file', root: '/' }],
    ['file:///a%20b/%3F', { scheme: 'file', root: '/a b/?' }],
    ['FILE:///mnt', { scheme: 'file', root: '/mnt' }],
    ['s3://bucket', { scheme: 's3', bucket: 'bucket', prefix: '', query: {} }],
    ['s3://bucket/', { scheme: 's3', bucket: 'bucket', prefix: '', query: {} }],
    ['s3://Bucket/a/b', { scheme: 's3', bucket: 'Bucket', prefix: 'a/b/', query: {} }],
    ['s3://bucket/a%20b/', { scheme: 's3', bucket: 'bucket', prefix: 'a b/', query: {} }],
    [
      's3://bucket/p?endpoint=http://127.0.0.1:9000&region=eu-1&profile=us',
      {
        scheme: 's3',
        bucket: 'bucket',
        prefix: 'p/',
        query: { endpoint: 'http://127.0.0.1:9000', region: 'eu-1', profile: 'us' },
      },
    ],
  ])('%s', (url, address) => expect(parseStoreUrl(url)).toEqual(address))

  it.each([
    ['/mnt/nas', '/mnt/nas: is no URL', 'write file:///mnt/nas'],
    ['/mnt/my nas', '/mnt/my nas: is no URL', 'write file:///mnt/my%20nas'],
    ['mnt', 'mnt: is no URL', 'write file:///dir or s3://bucket/prefix'],
    ['', ': is no URL', 'write file:///dir or s3://bucket/prefix'],
    ['ftp://a/b', 'ftp://a/b: has the unknown scheme ftp:', 'write file:///dir or s3://bucket/prefix'],
    ['s4://a', 's4://a: has the unknown scheme s4:', 'did you mean s3:? write file:///dir or s3://bucket/prefix'],
    ['s3:bucket', 's3:bucket: cannot be read as a URL', 'write file:///dir or s3://bucket/prefix'],
    ['s3:///p', 's3:///p: names no bucket', 'write s3://bucket/prefix'],
    ['s3://b/%zz', 's3://b/%zz: holds a broken % escape', 'write a % as %25'],
    ['s3://b/p#q', 's3://b/p#q: holds a #', 'write it as %23'],
    [
      's3://b/?endpont=x',
      's3://b/?endpont=x: has the unknown setting ?endpont= (did you mean ?endpoint=?)',
      'there are ?endpoint=, ?region=, ?profile=',
    ],
    ['file://mnt/nas', 'file://mnt/nas: names no absolute path', 'three slashes: file:///mnt/nas'],
    ['file:/mnt/nas', 'file:/mnt/nas: cannot be read as a URL', 'write file:///dir or s3://bucket/prefix'],
    ['file:///a?b', 'file:///a?b: takes no ?setting', 'write a ? in a name as %3F'],
    ['file:///a%2Fb', 'file:///a%2Fb: cannot be read as a path', 'write file:///dir'],
  ])('%j is refused, with what to type', (url, message, hint) => {
    expect(() => parseStoreUrl(url)).toThrow(expect.objectContaining({ code: 'invalid', message, hint }))
  })

  it('a credential in a URL is refused, and not repeated', () => {
    try {
      parseStoreUrl('s3://AKIA:secret@bucket/p')
      expect.unreachable()
    } catch (error) {
      expect(String(error)).toContain('holds a credential')
      expect(String(error)).not.toMatch(/secret|AKIA/)
    }
  })

  it('has a name of its own', () => {
    expect(nameOfAddress(parseStoreUrl('s3://acme/prod/'))).toBe('acme/prod')
    expect(nameOfAddress(parseStoreUrl('s3://acme'))).toBe('acme')
    expect(nameOfAddress(parseStoreUrl('file:///mnt/nas'))).toBe('/mnt/nas')
  })

  it('is the same place however it is written', () => {
    const place = (url: string, endpoint?: string) => placeOfAddress(parseStoreUrl(url), endpoint)
    expect(place('s3://b/p')).toBe(place('s3://b/p/?region=x'))
    expect(place('s3://b/p?endpoint=http://x:1')).toBe(place('s3://b/p/', 'http://x:1/'))
    expect(place('s3://b/p')).not.toBe(place('s3://b/p', 'http://x:1'))
    expect(place('s3://b/p')).not.toBe(place('s3://b/q'))
    expect(place('file:///a/')).toBe(place('file:///a'))
  })
})
