import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { profileRegion, regionIn } from '../../src/bucket/s3-profile.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const text = `# region = none
[default]
output = json
s3 =
  region = of-s3
region = eu-west-1
[profile us]
region=us-east-2   # a comment
[ profile  "two words" ]
region = ap-south-1
[sso-session us]
region = nowhere
`

it.each([
  ['default', 'eu-west-1'],
  ['profile us', 'us-east-2'],
  ['profile two words', 'ap-south-1'],
  ['us', undefined],
  ['profile none', undefined],
])('the region below [%s] is %s', (heading, region) => {
  expect(regionIn(text, [heading])).toBe(region)
})

it('a profile that is named goes before AWS_PROFILE, the file with credentials before the other', async () => {
  const directory = await tempDirectory('profile')
  const [config, credentials] = [join(directory, 'config'), join(directory, 'credentials')]
  await writeFile(config, text)
  await writeFile(credentials, '[us]\nregion = us-west-1\n')
  const env = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_PROFILE: 'us' }
  expect(await profileRegion('default', env)).toBe('eu-west-1')
  expect(await profileRegion(undefined, env)).toBe('us-west-1')
  expect(await profileRegion(undefined, { ...env, AWS_SHARED_CREDENTIALS_FILE: '/dev/null' })).toBe('us-east-2')
  expect(await profileRegion('none', env)).toBeUndefined()
  const nothing = { AWS_CONFIG_FILE: join(directory, 'no'), AWS_SHARED_CREDENTIALS_FILE: directory }
  expect(await profileRegion(undefined, nothing)).toBeUndefined()
})
