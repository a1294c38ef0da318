import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logcask-after-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function sourcesOf(...sources: string[]) {
  const file = join(directory, 'agent.yaml')
  await writeFile(file, `sources: [${sources.join(', ')}]\ndestinations: [{ url: "file:///mnt/nas" }]\n`)
  return (await loadConfig(file, {})).config.sources
}

describe('after and moveTo', () => {
  it('what was moved is no new file of any source, whatever its name holds', async () => {
    const [app, other] = await sourcesOf(
      '{ name: app, include: ["/var/log/**"], exclude: ["*.xz"], after: move, moveTo: "/var/log/old [1]/" }',
      '{ name: other, include: ["/srv/**"] }',
    )
    expect(app).toMatchObject({
      after: 'move',
      moveTo: '/var/log/old [1]/',
      exclude: ['*.xz', '/var/log/old \\[1\\]/**'],
    })
    expect(other).toMatchObject({ after: 'keep', exclude: ['/var/log/old \\[1\\]/**'] })
  })

  it.each([
    ['after: move', /after: move: nobody says where to; set moveTo/],
    ['after: delete, moveTo: /old', /moveTo: is of no use with after: delete; set after: move/],
    ['moveTo: /old', /moveTo: is of no use with after: keep/],
    ['after: move, moveTo: /var/../old', /no directory of its own/],
    ['after: move, moveTo: old', /must be an absolute path/],
    ['after: remove', /must be one of keep, delete, move; did you mean move\?/],
  ])('%s is refused, with the remedy', async (settings, message) => {
    const error = await sourcesOf(`{ name: app, include: ["/var/log/*"], ${settings} }`).catch((error) => error)
    expect(`${error.message}; ${error.hint}`).toMatch(message)
  })
})
