import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { guardLeaks } from '../../support/leak-guard.ts'
import { alone, aloneTimeout } from '../alone.ts'
import { expectNothingElse } from '../family.ts'
import { numbered, onDisk } from '../log-file.ts'
import { until } from '../logcask-process.ts'
import type { Room } from '../room.ts'
import { Program } from './program.ts'

guardLeaks()

const rotatelogs = new Program('rotatelogs')

describe.skipIf(rotatelogs.path === undefined)(`rotatelogs${rotatelogs.missing}`, () => {
  it.concurrent(
    'a file every two seconds, with a hard link to the current one, also while the agent is down: each line once',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, 'rotatelogs')
      await stage.agent.start()
      const writer = rotatelogs.start(context, [
        '-f',
        '-L',
        room.path('current.log'),
        room.path('app.%Y%m%d%H%M%S.log'),
        '2',
      ])
      let text = ''
      for (let line = 0; line < 90; line++) {
        const one = numbered(1, `line ${line}`)
        writer.stdin?.write(one)
        text += one
        if (line === 40) await stage.agent.stop()
        if (line === 70) await stage.agent.start()
        await sleep(80)
      }
      writer.stdin?.end()
      await once(writer, 'exit')
      // The link has the last one's bytes, which are there once.
      const names = readdirSync(room.directory)
        .filter((name) => name.startsWith('app.'))
        .sort()
      expect(names.length).toBeGreaterThan(3)
      const files = names.map((name) => onDisk(room.path(name)))
      await room.holds(...files)
      expect(Buffer.concat(files.map(({ content }) => content)).toString()).toBe(text)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
    },
  )

  it.concurrent(
    '-n 3: a ring of files, which are truncated and written anew: each line once',
    aloneTimeout,
    async (context) => {
      const { stage, room } = await alone(context, 'ring')
      await stage.agent.start()
      const writer = rotatelogs.start(context, ['-n', '3', room.path('app.log'), '4K'])
      let text = ''
      for (let round = 0; round < 9; round++) {
        const some = numbered(60, `round ${round}`, 80)
        writer.stdin?.write(some)
        text += some
        // Before it comes round again, the agent has had the time that a ring of a day or a week gives it.
        await until('the bucket has every line', async () => sorted(await contentOf(room)) === sorted(text), {
          withinMs: 60_000,
          everyMs: 100,
        })
      }
      writer.stdin?.end()
      await once(writer, 'exit')
      expect(readdirSync(room.directory).sort()).toEqual(['app.log', 'app.log.1', 'app.log.2'])
      expect((await room.view()).length).toBeGreaterThan(5)
      await stage.agent.stop()
      await expectNothingElse(stage, [room])
      expect(sorted(await contentOf(room))).toBe(sorted(text))
    },
  )
})

async function contentOf(room: Room): Promise<string> {
  return (await room.view()).map(({ content }) => content.toString()).join('')
}

function sorted(text: string): string {
  return text.split('\n').sort().join('\n')
}
