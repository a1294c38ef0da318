import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createMemoryBucket } from '../../../src/bucket/memory.ts'
import { createMemoryQueue, type MemoryQueue } from '../../../src/bucket/memory-queue.ts'
import type { MessageQueue } from '../../../src/bucket/message-queue.ts'
import { compactFollowing } from '../../../src/compactor/compactor.ts'
import { openDirectorySink } from '../../../src/compactor/directory-sink.ts'
import type { CompactorEvent } from '../../../src/compactor/event.ts'
import { noMessages } from '../../../src/compactor/events/follow-events.ts'
import type { Pace } from '../../../src/compactor/listing-plan.ts'
import { faultBucket } from '../../support/fault-bucket.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { createVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts'
import { bucketName, notifyingBucket } from './notification.ts'

export const pace: Pace = { intervalMinMs: 1000, intervalMaxMs: 32_000, fullIntervalMs: 3_600_000 }
export const listEveryMs = 86_400_000

/** A queue that answers as `rule` says: an error that it gives is what comes back. */
function faulty(queue: MemoryQueue): MessageQueue & { setRule(rule: (() => Error) | undefined): void } {
  let broken: (() => Error) | undefined
  const asked = <T>(work: () => Promise<T>): Promise<T> => (broken ? Promise.reject(broken()) : work())
  return {
    url: queue.url,
    receive: (options) => asked(() => queue.receive(options)),
    hide: (messages, hideMs) => asked(() => queue.hide(messages, hideMs)),
    remove: (messages) => asked(() => queue.remove(messages)),
    keepsPoison: () => asked(() => queue.keepsPoison()),
    close: () => queue.close(),
    setRule(rule) {
      broken = rule
    },
  }
}

/** A compactor that follows a queue, in virtual time. `writer`: its new objects are spoken of. */
export async function followQueue(options: { receivesMax?: number; take?: (count: number) => number } = {}) {
  const clock = createVirtualClock()
  const memory = createMemoryBucket(clock)
  const bucket = faultBucket(memory, clock)
  const queue = createMemoryQueue(clock, options)
  const events: CompactorEvent[] = []
  const root = await tempDirectory('events')
  const sink = await openDirectorySink(root, clock, (event) => void events.push({ kind: 'set-aside', ...event }))
  const asked = faulty(queue)
  const counts = noMessages()
  let stop: AbortController | undefined
  let ended: Promise<void> | undefined

  return {
    clock,
    memory,
    bucket,
    queue,
    asked,
    counts,
    events,
    root,
    writer: notifyingBucket(memory, (body) => queue.send(body)),
    start(): void {
      stop = new AbortController()
      const place = { bucket: bucketName, prefix: '' }
      const onEvent = (event: CompactorEvent): void => void events.push(event)
      const told = { queue: asked, place, listEveryMs, counts }
      ended = compactFollowing({ bucket, sink, clock, pace, onEvent, events: told, signal: stop.signal })
    },
    async end(): Promise<void> {
      stop?.abort(new Error('stopped'))
      await clock.run(ended ?? Promise.resolve())
      await sink.close()
    },
    kinds: () => events.map((event) => (event.kind === 'queue' ? event.state : event.kind)),
    /** Lets virtual time pass until it holds; fails when it does not within `limitMs`. */
    async until(what: string, holds: () => boolean | Promise<boolean>, limitMs: number): Promise<number> {
      const began = clock.monotonic()
      for (let realRounds = 0; !(await holds()); realRounds++) {
        expect(clock.monotonic() - began, `${what} within ${limitMs} ms`).toBeLessThanOrEqual(limitMs)
        // A busy disk takes its real time, in which virtual time should not run away.
        if (realRounds % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 2))
        await clock.advance(50)
        await realWork()
      }
      return clock.monotonic() - began
    },
    holds: (name: string, content: string | Buffer) => async () =>
      (await readFile(join(root, name)).catch(() => undefined))?.equals(Buffer.from(content)) ?? false,
    async pass(ms: number): Promise<void> {
      await passTime(clock, ms)
    },
  }
}

/** Files are real, and time is not: it stands still until the disk has done what was set off. */
async function realWork(): Promise<void> {
  let idle = 0
  while (idle < 3) {
    await new Promise((resolve) => setImmediate(resolve))
    idle = process.getActiveResourcesInfo().some((kind) => /^FSReq|^FileHandle/.test(kind)) ? 0 : idle + 1
  }
}

async function passTime(clock: VirtualClock, ms: number): Promise<void> {
  for (const endAt = clock.monotonic() + ms; clock.monotonic() < endAt; ) {
    await clock.advance(Math.min(1000, endAt - clock.monotonic()))
    await realWork()
  }
}
