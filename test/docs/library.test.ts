import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { contentsOf, holdingsOf } from '../scenarios/stored-content.ts'
import { checkout } from './known-words.ts'
import { MovingPlace } from './moving-place.ts'
import { PageToFollow } from './page-to-follow.ts'

const page = await PageToFollow.open('docs/library.md')
const imports = page.take('import {').text.replace("'logcask'", `'${pathToFileURL(join(checkout, 'src/index.ts'))}'`)

/** Runs a program of the page with what it imports; its types are checked by test/packaging/pack.test.ts. */
async function run(place: MovingPlace, words: string): Promise<string> {
  const { text } = page.take(words)
  await writeFile(join(place.root, 'program.ts'), imports + place.here(text))
  return place.follow({ kind: 'sh', text: `${process.execPath} program.ts` })
}

/** What a bucket has, whatever the streams are called. */
function stored(place: MovingPlace, bucket: string, prefix: string): string[] {
  const objects = [...holdingsOf(place.server.bucket(bucket))].map(
    ([key, body]) => [key.slice(prefix.length), body] as const,
  )
  return [...contentsOf(new Map(objects)).values()].map(({ content }) => content.toString()).sort()
}

it('docs/library.md, followed to the letter', { timeout: 200_000 }, async () => {
  const place = await MovingPlace.open({ buckets: ['acme-logs', 'logs'] })
  place.stands.set('http://minio:9000', place.server.endpoint).set('s3://minio/logs', 's3://logs')
  const [nginx, app] = ['a\n'.repeat(300), 'b\n'.repeat(500)]
  await place.file('/var/log/nginx/access.log', nginx)
  await place.file('/var/log/app.log', app)
  expect(await run(place, 'await ship(')).toBe('')
  expect(stored(place, 'acme-logs', 'prod/')).toEqual([nginx, app])
  expect(stored(place, 'logs', '')).toEqual([nginx, app])

  await place.file('/var/log/app.log', `${app}more\n`)
  await run(place, 'await stream(')
  expect(stored(place, 'acme-logs', 'prod/')).toEqual([nginx, `${app}more\n`])

  const here = 'logcask ship /var/log/app.log --host web-1 --state /var/tmp/web-1 --to s3://acme-logs/prod'
  await place.follow({ kind: 'sh', text: here })
  expect(await run(place, 'cat(')).toMatch(new RegExp(`^${app}more\n\\S+Z-\\w+ \\[\\]\n$`))
  expect(await run(place, 'await verify(')).toBe('')
  expect(page.left('test/docs/library.test.ts')).toEqual([])
})
