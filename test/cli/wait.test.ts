import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { logcask, startLogcask, until } from '../scenarios/logcask-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

it('of what a pattern or a directory gives, files that no source asks for are left out; named ones are not', async () => {
  const directory = await tempDirectory('wait')
  const [logs, config] = [join(directory, 'logs'), join(directory, 'agent.yaml')]
  await mkdir(logs)
  await writeFile(join(logs, 'messages'), 'one\n')
  await writeFile(join(logs, 'messages.1.gz'), 'shipped long ago')
  await writeFile(
    config,
    `state: ${directory}/state
sources: [{ name: s, include: ["${logs}/*"], exclude: ["*.gz"] }]
destinations: [{ url: "file://${directory}/store" }]
`,
  )
  const agent = startLogcask(['agent', '-c', config])
  await until('the agent works', () => agent.stderr().includes('"msg":"agent"'), { context: agent.stderr })
  const wait = async (...paths: string[]) => {
    const { code, stderr } = await logcask(['wait', ...paths, '-c', config, '--timeout', '30s'])
    return { code, stderr }
  }
  for (const paths of [`${logs}/messages*`, logs])
    expect(await wait(paths)).toEqual({ code: 0, stderr: '1 file delivered\n' })
  const unwatched = { code: 1, stderr: expect.stringContaining('messages.1.gz: the agent does not watch it') }
  expect(await wait(join(logs, 'messages'), join(logs, 'messages.1.gz'))).toEqual(unwatched)
  // Nothing is left to wait for: that is no success.
  expect(await wait(`${logs}/*.gz`)).toEqual(unwatched)
})
