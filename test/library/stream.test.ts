import { appendFile, copyFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type StreamOptions, ship, stream, verify } from '../../src/index.ts'
import { contentOf, failureOf, host, place } from './place.ts'

describe('stream', () => {
  const quick: Partial<StreamOptions> = { scanIntervalMs: 200 }

  it('follows files, also those that are still to come; flush is a barrier, and close delivers the rest', async () => {
    const { logs, url, options } = await place()
    const [now, later] = [join(logs, 'now.log'), join(logs, 'later.log')]
    await writeFile(now, 'a\n')
    const handle = await stream([now, later], { ...options, ...quick })
    expect(await handle.flush()).toEqual({ status: 'delivered', files: 1, lossy: [] })
    expect(await contentOf(url, now)).toBe('a\n')
    for (let at = 0; at < 30; at++) {
      // More than the budget lets through at once.
      await appendFile(now, `line ${at}\n`)
      await handle.flush({ timeoutMs: 30_000 })
    }
    expect(await contentOf(url, now)).toMatch(/line 29\n$/)
    await writeFile(later, 'later\n')
    expect(await handle.flush()).toMatchObject({ status: 'delivered', files: 2 })
    expect(handle.status()).toMatchObject({
      host,
      files: 2,
      destinations: [{ state: 'ok', behindBytes: 0 }],
      problems: [],
    })
    await appendFile(later, 'last words\n')
    await handle.close()
    await handle.close()
    await handle.done
    expect(await contentOf(url, later)).toBe('later\nlast words\n')
  })

  it('I1: goes on where it was, across a rotation and a restart', async () => {
    const { logs, url, options } = await place()
    const log = join(logs, 'app.log')
    await writeFile(log, 'one\n')
    await (await stream(`${logs}/*.log*`, options)).close()
    await appendFile(log, 'two\n')
    await rename(log, `${log}.1`)
    await writeFile(log, 'three\n')
    await (await stream({ include: [`${logs}/*.log*`] }, options)).close()
    expect(await contentOf(url, 'app.log')).toBe('three\n')
    const { verdict, streams } = await verify(url)
    expect(verdict).toBe('fine')
    expect(streams.map(({ bytes }) => bytes).sort()).toEqual([6, 8])
  })

  it('flush says where bytes were cut before they were read, and waits no longer than it is told', async () => {
    const { directory, logs, options } = await place()
    const log = join(logs, 'app.log')
    await writeFile(log, 'first\n')
    await using handle = await stream(log, { ...options, ...quick })
    await handle.flush()
    const copy = join(directory, 'kept elsewhere')
    await appendFile(log, 'second\n')
    const flushed = handle.flush()
    await copyFile(log, copy)
    await truncate(log, 0)
    // Read in time or not: either is right, and said.
    const { status, lossy } = await flushed
    expect(lossy).toEqual(status === 'lossy' ? [log] : [])
    const nowhere = pathToFileURL(join(copy, 'below a file')).href
    const state = join(directory, 'second state')
    await using stuck = await stream(logs, { ...options, state, to: nowhere })
    await appendFile(log, 'third\n')
    const late = await failureOf(stuck.flush({ timeoutMs: 300 }))
    expect(late).toMatchObject({ code: 'unavailable', message: expect.stringContaining('within 300 ms') })
    const reason = new Error('enough')
    await expect(stuck.flush({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    // Who refuses is not waited for.
    await stuck.close()
  })

  it('stops at once when its signal aborts, and loses nothing', async () => {
    const { logs, url, options } = await place()
    const log = join(logs, 'app.log')
    await writeFile(log, 'one\n')
    const stop = new AbortController()
    const handle = await stream(log, { ...options, signal: stop.signal })
    stop.abort(new Error('stopped'))
    await handle.done
    await expect(handle.flush()).rejects.toThrow()
    expect((await ship(log, options)).status).toBe('delivered')
    expect(await contentOf(url, log)).toBe('one\n')
  })
})
