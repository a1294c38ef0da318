import { mkdir, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { tempDirectory } from '../support/temp-directory.ts'
import { logcask, startLogcask, until } from './logcask-process.ts'
import { holdingsBelow } from './stored-content.ts'

const hourly = 'haproxy-20130704T0000Z-us-west-2-i-ae23fega.log'
const past = new Date(Date.UTC(2013, 6, 4, 2))

/** One directory, and each file in the mode of the first source that matches it. */
async function stage() {
  const directory = await tempDirectory()
  const [logs, store, file] = [join(directory, 'logs'), join(directory, 'store'), join(directory, 'agent.yaml')]
  await mkdir(logs)
  await writeFile(
    file,
    `host: web-1
state: ${join(directory, 'state')}
scanInterval: 1s
sources:
  - { name: hourly, include: ["${logs}/haproxy*"], mode: when-complete, as: "files/{prefix}/{year}/{filename}", compress: zstd, after: delete }
  - { name: app, include: ["${logs}/app.log*"], mode: when-complete, as: "files/{host}/{filename}", idle: 1s }
  - { name: rest, include: ["${logs}/*"], sealAfter: 1s }
destinations:
  - { name: a, url: "file://${store}" }
`,
  )
  const names = async (): Promise<string[]> =>
    [...(await holdingsBelow(store)).keys()].filter((name) => name.startsWith('files/') && !name.includes('/.')).sort()
  const streams = async (): Promise<string[]> =>
    [...(await holdingsBelow(store))].filter(([name]) => name.startsWith('segments/')).map(([, body]) => `${body}`)
  return { logs, store, file, names, streams }
}

it('the daemon delivers either mode side by side, deletes what is everywhere, and agent --once says what is left', async () => {
  const { logs, store, file, names, streams } = await stage()
  await writeFile(join(logs, hourly), 'an hour\n')
  await utimes(join(logs, hourly), past, past)
  await writeFile(join(logs, 'other.log'), 'a stream\n')
  const agent = startLogcask(['agent', '-c', file])
  await until(
    'the hour and the stream are there',
    async () => (await names()).length === 1 && (await streams()).length === 1,
    {
      context: agent.stderr,
    },
  )
  await writeFile(join(logs, 'app.log'), 'rotated\n')
  await rename(join(logs, 'app.log'), join(logs, 'app.log.1'))
  await until('the rotated file is there', async () => (await names()).length === 2, { context: agent.stderr })
  await until('the hour is gone here', async () => !(await holdingsBelow(logs)).has(hourly), { context: agent.stderr })
  agent.process.kill('SIGTERM')
  expect((await agent.ended).code).toBe(0)

  const key = `files/haproxy/2013/${hourly}.zst`
  expect(await names()).toEqual([key, 'files/web-1/app.log.1'])
  expect(zstdDecompressSync((await holdingsBelow(store)).get(key) ?? Buffer.alloc(0)).toString()).toBe('an hour\n')
  expect(await streams()).toEqual(['a stream\n'])

  const why = await logcask(['why', join(logs, 'app.log.1'), '-c', file])
  expect(why.stdout.toString()).toContain('a: all of it is there, as files/web-1/app.log.1')
  const once = await logcask(['agent', '--once', '-c', file])
  expect(once.code).toBe(0)
  expect(await names()).toHaveLength(2)
}, 90_000)
