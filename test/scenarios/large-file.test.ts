import { createHash } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { identityOf } from '../../src/format/keys.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { alone } from './alone.ts'
import { until } from './logcask-process.ts'
import { isLong } from './long.ts'
import { holdingsSizeBelow } from './stored-content.ts'

guardLeaks()

describe.skipIf(!isLong)(`beyond 2 GiB${isLong ? '' : ' (not run: LOGCASK_LONG=1 does)'}`, () => {
  it('31: a file that grows beyond 2 GiB, is truncated there and grows again', {
    timeout: 1_800_000,
  }, async (context) => {
    const { stage, room } = await alone(context, '31')
    await stage.agent.start()
    const path = room.path('big.log')
    const hash = createHash('sha256')
    let size = 0
    const append = (bytes: Buffer): void => {
      appendFileSync(path, bytes)
      hash.update(bytes)
      size += bytes.length
    }
    const isThere = async (): Promise<boolean> => (await holdingsSizeBelow(stage.bucket)) === size
    const patience = { withinMs: 900_000, everyMs: 500 }
    while (size < 2 ** 31 - 1_000) append(Buffer.alloc(Math.min(2 ** 20, 2 ** 31 - 1_000 - size), `${size}\n`))
    await until('all of it is there', isThere, patience)
    append(Buffer.alloc(5_000, 'beyond\n'))
    await until('what is beyond is there', isThere, patience)
    const identity = identityAt(path)
    truncateSync(path)
    appendFileSync(path, 'after all that\n')
    size += 'after all that\n'.length
    await until('the next life is there', isThere, patience)
    await stage.agent.stop()
    const streams = join(stage.bucket, 'segments/web-1')
    expect(readdirSync(streams).sort()).toEqual([identity, `${identity}.1`])
    const stored = createHash('sha256')
    for (const name of readdirSync(join(streams, identity))
      .filter((one) => !one.startsWith('.'))
      .sort())
      stored.update(readFileSync(join(streams, identity, name)))
    expect(stored.digest('hex')).toBe(hash.digest('hex'))
  })
})

function identityAt(path: string): string {
  const { birthtimeNs, ino } = statSync(path, { bigint: true })
  return identityOf(birthtimeNs, ino)
}
