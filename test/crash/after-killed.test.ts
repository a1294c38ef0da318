import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { objectsBelow, streamsOf } from '../scenarios/bucket-view.ts'
import { endNow, spawnLogcask } from '../scenarios/logcask-process.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

const files = 30

/** What `directory` holds by now, the names that a file has for an instant included. */
const contents = (directory: string): Map<string, string> =>
  new Map(
    (existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : [])
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, readFileSync(join(directory, name), 'utf8')]),
  )

for (const after of ['move', 'delete'] as const)
  it(`after: ${after}, killed again and again: every file is here or there, never less; each is delivered once`, {
    timeout: 180_000,
  }, async () => {
    const directory = await tempDirectory(`after-${after}`)
    const [logs, archive, bucket] = ['logs', 'archive', 'bucket'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ]
    await mkdir(logs)
    const written = Array.from({ length: files }, (_, at) => `content of ${at}\n`.repeat(50 * (at + 1)))
    writeFileSync(join(logs, 'app.log'), 'live\n')
    for (const [at, text] of written.entries()) writeFileSync(join(logs, `app.log.${at + 1}`), text)
    const config = join(directory, 'agent.yaml')
    const source = {
      name: 'app',
      include: [`${logs}/*`],
      sealAfter: '1s',
      after,
      ...(after === 'move' && { moveTo: archive }),
    }
    const settings = {
      host: 'web-1',
      state: join(directory, 'state'),
      scanInterval: '1s',
      sources: [source],
      destinations: [{ url: `file://${bucket}` }],
    }
    writeFileSync(config, JSON.stringify(settings))
    const random = seededRandom(after.length)
    const delivered = async (): Promise<string[]> =>
      streamsOf(await objectsBelow(bucket)).map(({ content }) => content.toString())
    for (let kills = 0; ; kills++) {
      const running = spawnLogcask(['agent', '--once', '-c', config])
      const isKilled = kills < 12
      if (isKilled) {
        await sleep(300 + random.next() * 1_200)
        await endNow(running)
      }
      const { code, stderr } = await running.ended
      const local = [...contents(logs).values(), ...contents(archive).values()]
      const there = await delivered()
      for (const text of written) expect(after === 'move' ? local : [...local, ...there]).toContain(text)
      if (isKilled) continue
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
      break
    }
    expect([...contents(logs).keys()]).toEqual(['app.log'])
    expect((await delivered()).sort()).toEqual([...written, 'live\n'].sort())
    expect(streamsOf(await objectsBelow(bucket)).flatMap(({ gaps }) => gaps)).toEqual([])
    if (after === 'move') expect([...contents(archive).values()].sort()).toEqual([...written].sort())
  })
