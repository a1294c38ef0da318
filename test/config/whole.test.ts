import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { tempDirectory } from '../support/temp-directory.ts'

async function load(settings: string) {
  const file = join(await tempDirectory(), 'agent.yaml')
  await writeFile(
    file,
    `sources:\n  - { name: a, include: ["/l/*"], ${settings} }\ndestinations:\n  - { url: "file:///mnt" }\n`,
  )
  return (await loadConfig(file, {})).config.sources[0]
}

describe('mode: when-complete', () => {
  it('has its settings, and its defaults', async () => {
    expect(await load('mode: when-complete, as: "{path}"')).toMatchObject({ whole: { as: '{path}', compress: 'none' } })
    const all =
      'mode: when-complete, as: "{labels.x}/{filename}", labels: {x: y}, compress: zstd, idle: 10m, period: 5m'
    expect((await load(all))?.whole).toEqual({
      as: '{labels.x}/{filename}',
      compress: 'zstd',
      idleMs: 600_000,
      periodMs: 300_000,
    })
    expect((await load('mode: stream'))?.whole).toBeUndefined()
  })

  it.each([
    ['mode: when-complete', 'no names for its files', 'as: "{prefix}'],
    ['mode: when-complete, as: "{year}"', 'neither {filename} nor {path}', '{year}/{filename}'],
    ['mode: when-complete, as: "{labels.y}/{path}", labels: {x: y}', 'no label y', 'there are x'],
    ['mode: when-complete, as: "{time}{path}"', 'another at every look', '{year}'],
    ['mode: when-complete, as: "{path}", period: hourly', 'hourly is no duration', '1h'],
    ['mode: when-complete, as: "{path}", period: 1s', 'not between 1m and 31d', 'clocks'],
    ['mode: when-complete, as: "{path}", idle: 0s', 'not between 1s and 30d', 'cut off'],
    ['mode: when-complete, as: "{path}", compress: gzipp', 'must be one of none, gzip, zstd', 'did you mean gzip?'],
    ['mode: when-complete, as: "{path}", minSize: 4KiB', 'minSize, which is about streams', 'leave it out'],
    ['mode: when-complete, as: "{path}", rename: "{name}.{mtime}"', 'rename, which is about streams', 'as: names'],
    ['as: "{path}"', 'as, which is about files that are delivered whole', 'mode: when-complete'],
    ['mode: when-complet', 'must be one of stream, when-complete', 'did you mean when-complete?'],
  ])('%s is refused', async (settings, problem, fix) => {
    const refused = load(settings)
    await expect(refused).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining(problem) })
    const said = await refused.catch((error) => `${error.message} ${error.hint}`)
    expect(said).toContain(fix)
  })
})
