import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FaultS3Options, startFaultS3 } from '../support/fault-s3.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Authority, hasOpenssl, makeAuthority } from '../support/tls.ts'
import { logcask, type RunOptions } from './logcask-process.ts'
import { compareWithFiles, holdingsOf } from './stored-content.ts'

guardLeaks()

import { always, s3Url, segmentKeys, serve, setUp, whole } from './ship-stage.ts'

describe('a store that says no', () => {
  const wrong: [string, FaultS3Options, RunOptions, RegExp][] = [
    [
      'wrong secret',
      {},
      { env: { AWS_SECRET_ACCESS_KEY: 'nope' } },
      /SignatureDoesNotMatch.*\nfix: .*(secret|AWS_SECRET)/i,
    ],
    [
      'unknown access key',
      {},
      { env: { AWS_ACCESS_KEY_ID: 'who' } },
      /InvalidAccessKeyId.*\nfix: .*(access key|AWS_ACCESS)/i,
    ],
    ['no credentials', {}, { env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' } }, /credentials.*\nfix: /i],
    ['another region', { region: 'eu-west-1' }, { env: { AWS_REGION: 'us-east-1' } }, /\nfix: .*eu-west-1/],
    ['a clock that is off', { clockOffsetMs: 3_600_000 }, {}, /clock|RequestTimeTooSkewed.*\nfix: .*clock/i],
  ]
  it.each(wrong)('%s: ship ends at once with 1, and says what to do', async (_, options, run, message) => {
    const { args } = await setUp()
    const server = await serve(options)
    const { code, stderr } = await logcask(args(s3Url(server, 'bucket')), run)
    expect(stderr).toMatch(/^bucket DOWN /m)
    expect(stderr).toMatch(message)
    expect(code).toBe(1)
    expect(segmentKeys(holdingsOf(server.objects))).toEqual([])
  })

  it('a redirect: ship ends at once with 1, and names the region', async () => {
    const { args } = await setUp()
    const server = await serve()
    server.fault(always('bucket', '301'))
    const { code, stderr } = await logcask(args(s3Url(server, 'bucket')))
    expect(stderr).toMatch(/bucket DOWN .*301.*\nfix: .*eu-west-1/)
    expect(code).toBe(1)
  })

  it('nobody listens: 75 at --timeout, with the address', async () => {
    const { args } = await setUp()
    const server = await startFaultS3()
    await server.close()
    const { code, stderr } = await logcask([...args('s3://bucket?endpoint=http://127.0.0.1:9'), '--timeout', '1s'])
    expect(stderr).toMatch(/bucket LATE .*ECONNREFUSED.*\nfix: /)
    expect(code).toBe(75)
  })

  describe.skipIf(!hasOpenssl)('a certificate', () => {
    let authority: Authority
    beforeAll(async () => {
      authority = await makeAuthority('a test authority')
    })
    afterAll(() => authority.remove())

    it('of an authority that is not known: 1 at once, with --ca as the remedy, which then works', async () => {
      const { files, args } = await setUp()
      const { cert, key } = await authority.issue('store')
      const server = await serve({ tls: { cert, key } })
      const { code, stderr } = await logcask(args(s3Url(server, 'bucket')))
      expect(stderr).toMatch(/bucket DOWN .*\nfix: .*ca/)
      expect(code).toBe(1)
      const trusted = await logcask([...args(s3Url(server, 'bucket')), '--ca', authority.certFile])
      expect(trusted.code).toBe(0)
      expect(compareWithFiles(files, holdingsOf(server.objects))).toMatchObject(whole)
    })
  })
})
