import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { type Alone, alone, aloneTimeout } from './alone.ts'
import { expectNothingElse } from './family.ts'
import { type ExpectedStream, onDisk, wholeLife } from './log-file.ts'
import { mount, mountImage, whyNot } from './mounted.ts'

guardLeaks()

const mounts: Record<string, (stage: Alone['stage'], at: string) => void> = {
  tmpfs: (_, at) => mount('-t', 'tmpfs', 'tmpfs', at),
  'a bind mount': (stage, at) => {
    mkdirSync(join(stage.directory, 'source'))
    mount('--bind', join(stage.directory, 'source'), at)
  },
  overlay: (stage, at) => {
    // On a tmpfs of its own: an overlay cannot lie on another one, as containers have it for /tmp.
    const base = join(stage.directory, 'layers')
    mkdirSync(base)
    mount('-t', 'tmpfs', 'tmpfs', base)
    for (const layer of ['lower', 'upper', 'work']) mkdirSync(join(base, layer))
    writeFileSync(join(base, 'lower/lower.log'), 'from the image\n')
    mount(
      '-t',
      'overlay',
      'overlay',
      '-o',
      ['lower', 'upper', 'work'].map((one) => `${one}dir=${base}/${one}`).join(','),
      at,
    )
  },
  ext4: (stage, at) => mountImage(stage, at, 'ext4', 64, ['-q', '-F']),
  xfs: (stage, at) => mountImage(stage, at, 'xfs', 320, ['-q', '-f']),
  btrfs: (stage, at) => mountImage(stage, at, 'btrfs', 128, ['-q', '-f']),
}

describe('file systems', () => {
  for (const [type, mountIt] of Object.entries(mounts)) {
    const why = whyNot(type)
    it.skipIf(why !== undefined).concurrent(
      `54: logs on ${type}: grown, rotated, truncated with a copy, deleted and made again, live and across a restart${why ? ` (${why})` : ''}`,
      aloneTimeout,
      async (context) => {
        const { stage, room } = await alone(context, '54')
        mountIt(stage, room.directory)
        const isOverlay = existsSync(room.path('lower.log'))
        const lower = isOverlay ? [copiedUp(room.path('lower.log'))] : []
        const file = room.create('app.log').lines(10)
        await stage.agent.start()
        await room.holds(...lower, file)
        renameSync(room.path('app.log'), room.path('app.log.1'))
        const second = room.create('app.log').lines(10)
        file.lines(1)
        await room.holds(...lower, file, second)
        second.lines(1)
        copyFileSync(room.path('app.log'), room.path('app.log.2'))
        const cut = wholeLife(second.truncate())
        second.lines(3)
        await room.holds(...lower, file, cut, second)
        await room.isAlias(room.path('app.log.2'), cut)
        const gone = room.create('gone.log').lines(5)
        await room.holds(...lower, file, cut, second, gone)
        gone.close()
        unlinkSync(room.path('gone.log'))
        const again = room.create('gone.log').lines(7)
        await room.holds(...lower, file, cut, second, gone, again)
        // Stopped before that, nobody could say whether its writer had more to say.
        await room.isSealed(gone)
        await stage.agent.stop()
        second.lines(1)
        renameSync(room.path('app.log.1'), room.path('app.log.3'))
        await stage.agent.start()
        again.lines(1)
        await room.holds(...lower, file, cut, second, gone, again)
        await stage.agent.stop()
        await expectNothingElse(stage, [room])
      },
    )
  }
})

/** A file of a lower layer changes its identity when it is first written: it is written before anybody looks. */
function copiedUp(path: string): ExpectedStream {
  const { size } = { size: readFileSync(path).length }
  truncateSync(path, size)
  utimesSync(path, new Date(), new Date())
  return onDisk(path)
}
