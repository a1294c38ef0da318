import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepTls, readTls } from '../../src/cli/serve/serve-tls.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type Authority, hasOpenssl, makeAuthority } from '../support/tls.ts'

describe.skipIf(!hasOpenssl)('certificates of a server (needs openssl)', () => {
  let authority: Authority
  beforeAll(async () => {
    authority = await makeAuthority('own')
  })
  afterAll(() => authority.remove())

  async function setUp() {
    const directory = await tempDirectory('tls')
    const [first, second] = [await authority.issue('first'), await authority.issue('second')]
    const paths = { cert: join(directory, 'a.crt'), key: join(directory, 'a.key'), clientCa: authority.certFile }
    const install = async (part: 'cert' | 'key', from: typeof first): Promise<void> =>
      copyFile(part === 'cert' ? from.certFile : from.keyFile, paths[part])
    await install('cert', first)
    await install('key', first)
    return { paths, first, second, install }
  }

  it('are taken when both files of a renewal are there, and what was before stays until then', async () => {
    const { paths, second, install } = await setUp()
    const stop = new AbortController()
    const renewed: Buffer[] = []
    const warnings: string[] = []
    const steps: (() => Promise<unknown>)[] = [
      () => install('cert', second),
      async () => {},
      () => install('key', second),
      async () => {},
      () => writeFile(paths.key, 'no key'),
    ]
    const clock = {
      sleep: async () => {
        const step = steps.shift()
        if (step) await step()
        else stop.abort()
      },
    }
    await keepTls(paths, await readTls(paths), clock, stop.signal, {
      renew: ({ cert }) => renewed.push(cert),
      warn: ({ message }) => warnings.push(message),
    })
    expect(renewed).toEqual([second.cert])
    // Once for the pair that did not fit, however often it was looked at; once for what is no key.
    expect(warnings).toEqual([expect.stringContaining('a.key'), expect.stringContaining('a.key')])
  })

  it('that cannot be used are refused with the remedy', async () => {
    const { paths, second, install } = await setUp()
    await install('key', second)
    await expect(readTls(paths)).rejects.toMatchObject({
      code: 'invalid',
      hint: expect.stringContaining('the key belongs'),
    })
    await expect(readTls({ ...paths, clientCa: '/nowhere' })).rejects.toMatchObject({ code: 'invalid' })
  })
})
