import { describe, expect, it } from 'vitest'
import { storeWords } from '../../src/cli/compose/open-bucket.ts'

describe('the words that name a store to a command', () => {
  it.each([
    ['s3://acme/prod', {}, 's3://acme/prod'],
    ['s3://acme/p/', { endpoint: 'http://minio:9000' }, "'s3://acme/p/?endpoint=http://minio:9000'"],
    ['s3://acme?endpoint=http://a&region=x', { region: 'y' }, "'s3://acme?endpoint=http://a&region=y'"],
    ['s3://acme', { profile: 'a&b', ca: '/etc/my ca.pem' }, "'s3://acme?profile=a%26b' --ca '/etc/my ca.pem'"],
    ['file:///mnt/my%20nas', { endpoint: 'http://a' }, 'file:///mnt/my%20nas'],
    ["file:///it's", {}, "'file:///it'\\''s'"],
  ])('%s with %o can be pasted', (url, settings, words) => {
    expect(storeWords(url, settings)).toBe(words)
  })
})
