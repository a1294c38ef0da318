import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newLife } from '../../src/agent/life.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { type Disk, localDisk } from '../../src/base/disk.ts'
import { aheadBytes, waitForRoom } from '../../src/cli/ship/pipe-follower.ts'
import { openPipeSpool } from '../../src/cli/ship/pipe-spool.ts'
import { tempDirectory } from '../support/temp-directory.ts'

/** Waits are over at once. */
const clock: Clock = { ...systemClock, sleep: async (_, signal) => signal?.throwIfAborted() }
const never = new AbortController().signal

/** A disk that takes a few bytes at a time, and says that it is full before each of them. */
function nearlyFull(errno: string): { disk: Disk; refusals: () => number } {
  let refusals = 0
  const disk: Disk = {
    ...localDisk,
    async open(path, flags, mode) {
      const file = await localDisk.open(path, flags, mode)
      const write: typeof file.write = async (from, at, length, position) => {
        if (refusals++ % 2 === 0) throw Object.assign(new Error(`${errno}: write`), { code: errno })
        return file.write(from, at, Math.min(length, 3), position)
      }
      return {
        ...file,
        write,
        read: file.read.bind(file),
        stat: file.stat.bind(file),
        sync: () => file.sync(),
        datasync: () => file.datasync(),
        close: () => file.close(),
      }
    },
  }
  return { disk, refusals: () => refusals }
}

describe('the spool of a pipe', () => {
  it('I6: waits while the disk is full, and goes on where it was', async () => {
    const directory = await tempDirectory('spool')
    const { disk, refusals } = nearlyFull('ENOSPC')
    const said: string[] = []
    const spool = await openPipeSpool(join(directory, 'pipes/a.log'), clock, (problem) => said.push(problem), disk)
    await spool.write(Buffer.from('0123456789'), never)
    await spool.write(Buffer.from('abc'), never)
    await spool.close()
    expect(await readFile(spool.file, 'utf8')).toBe('0123456789abc')
    expect(spool.bytes).toBe(13)
    expect(refusals()).toBe(10)
    expect(said[0]).toContain('ENOSPC')
  })

  it('ends the wait when it is told to, and takes a disk that fails for what it is', async () => {
    const reason = new Error('stopped')
    for (const [errno, expected] of [
      ['ENOSPC', reason],
      ['EIO', expect.objectContaining({ code: 'refused', hint: expect.stringContaining('dmesg') })],
    ] as const) {
      const { disk } = nearlyFull(errno)
      const spool = await openPipeSpool(join(await tempDirectory('spool'), 'a.log'), clock, () => {}, disk)
      await expect(spool.write(Buffer.from('x'), AbortSignal.abort(reason))).rejects.toEqual(expected)
      await spool.close()
    }
  })
})

describe('back-pressure', () => {
  const life = (acked: readonly number[], withheld?: { size: number; from: number; isForNow: boolean }) => {
    const origin = { path: '/pipes/a', identity: '0-1', agent: 'test' }
    const destinations = acked.map((_, at) => `d${at}`)
    const made = newLife({
      identity: '0-1',
      firstGeneration: 0,
      origin,
      source: 'pipe',
      path: '/pipes/a',
      destinations,
    })
    for (const [at, offset] of acked.entries()) {
      const delivery = made.deliveries.get(`d${at}`)
      if (delivery) delivery.acked = { ...delivery.acked, offset }
    }
    made.withheld = withheld
    return made
  }

  it('I5: counts from the quickest destination; NULs at the end wait for nobody', () => {
    expect(aheadBytes(undefined, 100)).toBe(100)
    expect(aheadBytes(life([0, 70]), 100)).toBe(30)
    expect(aheadBytes(life([70], { size: 100, from: 70, isForNow: false }), 100)).toBe(0)
    expect(aheadBytes(life([60], { size: 100, from: 70, isForNow: false }), 100)).toBe(40)
  })

  it('waits until there is room, says so once in a while, and ends when it is told to', async () => {
    const one = life([0])
    const agent = { book: { current: new Map([['0-1', one]]) } } as never
    const follower = { composed: { agent }, path: '/pipes/a' }
    let waits = 0
    const stepping: Clock = {
      ...clock,
      sleep: async (_, signal) => {
        signal?.throwIfAborted()
        const delivery = one.deliveries.get('d0')
        if (delivery && ++waits === 5) delivery.acked = { ...delivery.acked, offset: 60 }
      },
    }
    let said = 0
    await waitForRoom(follower, 100, 50, stepping, never, () => said++)
    expect({ waits, said }).toEqual({ waits: 5, said: 1 })
    await expect(
      waitForRoom(follower, 1_000, 50, stepping, AbortSignal.abort(new Error('stop')), () => {}),
    ).rejects.toThrow('stop')
  })
})
