import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { tempDirectory } from '../support/temp-directory.ts'

async function destinationOf(settings: string, url = 's3://acme/prod/') {
  const file = join(await tempDirectory('transport'), 'agent.yaml')
  const text = `sources: [{ name: a, include: [/a] }]\ndestinations: [{ url: "${url}", ${settings} }]\n`
  await writeFile(file, text)
  return (await loadConfig(file, {})).config.destinations[0]
}

describe('how a destination is reached and stores', () => {
  it('every setting arrives as it was written', async () => {
    const role = 'arn:aws:iam::111122223333:role/path/logs'
    const settings = `region: eu-west-1, roleArn: "${role}", externalId: "a-b:c", sse: aws:kms, kmsKey: alias/logs,
      storageClass: STANDARD_IA, expectedBucketOwner: "111122223333", fips: true, dualStack: true`
    expect(await destinationOf(settings)).toMatchObject({
      roleArn: role,
      externalId: 'a-b:c',
      sse: 'aws:kms',
      kmsKey: 'alias/logs',
      storageClass: 'STANDARD_IA',
      expectedBucketOwner: '111122223333',
      fips: true,
      dualStack: true,
    })
  })

  it.each(['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR', 'REDUCED_REDUNDANCY'])(
    '%s is read at once',
    async (storageClass) => {
      expect(await destinationOf(`storageClass: ${storageClass}`)).toMatchObject({ storageClass })
    },
  )

  it.each([
    ['storageClass: GLACIER', /GLACIER is an archive: nothing is read from it before a restore; use one of STANDARD,/],
    ['storageClass: DEEP_ARCHIVE', /DEEP_ARCHIVE is an archive.*a lifecycle rule may move old objects/],
    ['storageClass: EXPRESS_ONEZONE', /directory buckets, whose listings have no order/],
    ['storageClass: standard', /standard is no storage class that is read at once/],
    ['sse: KMS', /sse: must be one of AES256, aws:kms/],
    ['kmsKey: alias/logs', /has kmsKey without sse: aws:kms; set sse: aws:kms/],
    ['sse: AES256, kmsKey: alias/logs', /has kmsKey without sse: aws:kms/],
    ['externalId: abc', /has externalId without roleArn; set roleArn/],
    ['roleArn: logs', /roleArn: must be a role, as in arn:aws:iam::111122223333:role\/logs/],
    ['expectedBucketOwner: 111122223333', /must be an account id in quotes/],
    ['expectedBucketOwner: "1111"', /must be the 12 digits of an account/],
    ['fips: true, endpoint: "https://minio:9000"', /has fips and an endpoint of its own; leave out one of them/],
    ['dualStack: true, endpoint: "https://minio:9000"', /has dualStack and an endpoint/],
    ['cert: /c.pem', /has only one of cert and key; set both, or neither/],
    ['acl: private', /acl/],
  ])('%s is refused, with the remedy', async (settings, message) => {
    const error = await destinationOf(settings).catch((error) => error)
    expect(`${error.message}; ${error.hint}`).toMatch(message)
  })

  it('the examples of docs/transport.md are valid', async () => {
    const text = await readFile(join(import.meta.dirname, '../../docs/transport.md'), 'utf8')
    const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, example = '']) => example)
    expect(examples.length).toBeGreaterThan(2)
    for (const example of examples) {
      const file = join(await tempDirectory('transport'), 'agent.yaml')
      await writeFile(file, `sources: [{ name: a, include: [/a] }]\n${example}`)
      expect((await loadConfig(file, {})).config.destinations).toHaveLength(1)
    }
  })

  it('a directory has neither roles nor classes', async () => {
    const error = await destinationOf('sse: AES256', 'file:///mnt/nas').catch((error) => error)
    expect(error.message).toMatch(/has sse for a directory/)
  })
})
