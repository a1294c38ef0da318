import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../../src/base/errors.ts'
import { guardLeaks } from '../../support/leak-guard.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { storedStream } from '../../support/stored-stream.ts'
import { followQueue, listEveryMs } from './events-rig.ts'
import { notification, testEvent } from './notification.ts'

guardLeaks()

const first = '20261120T101500123456789Z-1a2b'
const second = '20261121T000000000000000Z-7'

describe('a compactor that follows a queue', () => {
  it('publishes what messages speak of at once, by few requests, and removes them', async () => {
    const { start, writer, until, holds, end, bucket, queue, counts, pass } = await followQueue()
    queue.send(testEvent())
    start()
    await pass(1000)
    const stored = storedStream(writer, 'web-1', first, '/a')
    await stored.append('one\n')
    await until('the file', holds(`web-1/a~${first}`, 'one\n'), 5000)
    const before = bucket.operations.length
    await stored.append('two\n')
    await until('more of it', holds(`web-1/a~${first}`, 'one\ntwo\n'), 5000)
    expect(bucket.operations.slice(before).map(({ op, key }) => `${op} ${key.split('/')[0]}`)).toEqual(['get segments'])
    await stored.seal()
    await stored.gap('gone')
    await storedStream(writer, 'db-1', second, '/b').seal()
    await until('another host', holds(`db-1/b~${second}`, ''), 5000)
    await until('an empty queue', () => queue.size === 0, 60_000)
    expect(counts).toEqual({ received: 6, done: 6, failed: 0, test: 1, poison: 0, foreign: 0 })
    await end()
  })

  it('I7: at rest three long polls a minute, and nothing of the bucket until the next listing', async () => {
    const { start, writer, until, holds, end, bucket, queue, pass, events } = await followQueue()
    for (let at = 0; at < 20; at++) {
      const stored = storedStream(writer, `web-${at % 4}`, `0-${at + 1}`, '/a')
      await stored.append(`${at}`)
      await stored.seal()
    }
    start()
    await until('all', holds('web-3/a~0-20', '19'), 5000)
    await until('no messages', () => queue.size === 0, 5000)
    await pass(60_000)
    const [requests, receives] = [bucket.operations.length, queue.requests.receive]
    await pass(3_600_000)
    expect(bucket.operations.length - requests).toBeLessThanOrEqual(6)
    expect(queue.requests.receive - receives).toBeLessThanOrEqual(181)
    const listed = events.find(({ kind }) => kind === 'listed')
    expect(listed).toMatchObject({ hosts: 4, everyMs: listEveryMs })
    await end()
  })

  it('what no message spoke of is found by the next listing of everything', async () => {
    const { start, memory, clock, until, holds, end, bucket, pass } = await followQueue()
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    start()
    await until('the file', holds(`web-1/a~${first}`, 'one\n'), 5000)
    await stored.append('two\n')
    await storedStream(memory, 'db-1', second, '/b').append('b')
    await pass(600_000)
    expect(await holds(`web-1/a~${first}`, 'one\n')()).toBe(true)
    const before = bucket.operations.length
    await clock.advance(2 * listEveryMs)
    await until('the rest', holds(`web-1/a~${first}`, 'one\ntwo\n'), 60_000)
    await until('the host', holds(`db-1/b~${second}`, 'b'), 60_000)
    expect(bucket.operations.length - before).toBeLessThan(60)
    await end()
  })

  it('I1: messages twice, in any order, long after, about what is gone: the files are what was written', async () => {
    const random = seededRandom(20261122)
    const { start, memory, until, holds, end, queue, pass, events } = await followQueue({
      take: (count) => random.int(0, Math.max(0, count - 1)),
    })
    start()
    await pass(1000)
    const streams = Array.from({ length: 5 }, (_, at) => storedStream(memory, `web-${at % 2}`, `0-${at + 1}`, '/a'))
    const keys: [key: string, size: number][] = []
    const put = memory.put.bind(memory)
    memory.put = async (key, body, options) => {
      keys.push([key, body.byteLength])
      return put(key, body, options)
    }
    for (let line = 0; line < 8; line++) for (const one of streams) await one.append(random.bytes(random.int(1, 200)))
    for (const one of streams) await one.seal()
    const gone = 'segments/web-1/0-99/00000000000000000000-e3b0c44298fc1c14'
    for (const [key, size] of random.shuffle([...keys, ...keys, [gone, 3] as [string, number]]))
      queue.send(notification(key, size))
    for (const { host, stream, content } of streams) await until(stream, holds(`${host}/a~${stream}`, content), 60_000)
    await until('an empty queue', () => queue.size === 0, 60_000)
    await until('seals', () => events.filter(({ kind }) => kind === 'sealed').length === 5, 60_000)
    for (const [key, size] of keys) queue.send(notification(key, size))
    await until('an empty queue', () => queue.size === 0, 60_000)
    for (const { host, stream, content } of streams) expect(await holds(`${host}/a~${stream}`, content)()).toBe(true)
    expect(events.filter(({ kind }) => kind === 'problem')).toEqual([])
    await end()
  })

  it('I1: two segments are spoken of before the one between them: it brings both', async () => {
    const { start, memory, queue, until, holds, end, pass } = await followQueue()
    start()
    await pass(1000)
    const stored = storedStream(memory, 'web-1', first, '/a')
    for (const text of ['one\n', 'two\n', 'three\n']) await stored.append(text)
    const notes: string[] = []
    for await (const entry of memory.list('segments/'))
      if (entry.kind === 'object') notes.push(notification(entry.key, entry.size))
    const [one = '', two = '', three = ''] = notes
    queue.send(one)
    queue.send(three)
    await until('an empty queue', () => queue.size === 0, 60_000)
    queue.send(two)
    await until('an empty queue', () => queue.size === 0, 60_000)
    await until('the file', holds(`web-1/a~${first}`, 'one\ntwo\nthree\n'), 5000)
    await end()
  })

  it('I9: a stray stands between two segments that are spoken of: the chain goes on with both', async () => {
    const { start, memory, queue, until, holds, end, pass } = await followQueue()
    start()
    await pass(1000)
    const stored = storedStream(memory, 'web-1', first, '/a')
    const notes: string[] = []
    for (const text of ['one\n', 'two\n', 'three\n']) await stored.append(text)
    for await (const entry of memory.list('segments/'))
      if (entry.kind === 'object') notes.push(notification(entry.key, entry.size))
    const [one = '', two = '', three = ''] = notes
    await stored.stray(4, '0123456789abcdef', 'TWO\n')
    const stray = notification(`segments/web-1/${first}/${'4'.padStart(20, '0')}-0123456789abcdef`, 4)
    for (const body of [one, stray, three]) queue.send(body)
    await until('an empty queue', () => queue.size === 0, 60_000)
    queue.send(two)
    await until('the file', holds(`web-1/a~${first}`, 'one\ntwo\nthree\n'), 5000)
    await end()
  })

  it('I9: hosts whose listing fails for ever hold up no listing of the others', async () => {
    const { start, memory, bucket, until, holds, kinds, end, pass, clock } = await followQueue()
    for (let at = 0; at < 20; at++) await storedStream(memory, `evil-${at}`, '0-1', '/e').append('e')
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    bucket.setRule(({ key }) => (key.includes('/evil') ? { kind: 'unavailable' } : undefined))
    start()
    await until('all is listed', () => kinds().includes('listed'), 60_000)
    await until('the file', holds(`web-1/a~${first}`, 'one\n'), 5000)
    await stored.append('two\n')
    await clock.advance(2 * listEveryMs)
    await until('the rest', holds(`web-1/a~${first}`, 'one\ntwo\n'), 60_000)
    bucket.setRule(undefined)
    await until('what was withheld', holds('evil-7/e~0-1', 'e'), 900_000)
    await pass(1000)
    await end()
  })

  it('a host with many streams that fail is listed again, and all of them come', async () => {
    const { start, memory, bucket, until, holds, kinds, end, clock } = await followQueue()
    for (let at = 0; at < 150; at++) await storedStream(memory, 'web-1', `0-${at.toString(36)}`, '/a').append('a')
    bucket.setRule(({ op }) => (op === 'get' ? { kind: 'unavailable' } : undefined))
    start()
    await until('all is listed', () => kinds().includes('listed'), 60_000)
    const before = bucket.operations.length
    await clock.advance(3_600_000)
    expect(bucket.operations.length - before).toBeLessThan(5_000)
    bucket.setRule(undefined)
    for (const at of [0, 77, 149]) await until('a file', holds(`web-1/a~0-${at.toString(36)}`, 'a'), 3_600_000)
    await end()
  })

  it('I4: nobody knows whether the queue keeps what nobody understands: it stays', async () => {
    const { start, asked, queue, kinds, end, pass, until } = await followQueue({ receivesMax: 50 })
    asked.keepsPoison = () => Promise.reject(new LogcaskError('unavailable', 'no answer', { hint: 'ask again' }))
    start()
    queue.send('poison')
    await pass(30_000)
    expect(queue.size).toBe(1)
    asked.keepsPoison = () => queue.keepsPoison()
    await until('it is told', () => kinds().includes('kept'), 120_000)
    expect(queue.size).toBe(1)
    await end()
  })

  it('who may not ask whether the queue keeps them has none that does: removed', async () => {
    const { start, asked, queue, kinds, end, until } = await followQueue({ receivesMax: 50 })
    asked.keepsPoison = () => Promise.reject(new LogcaskError('refused', 'not allowed', { hint: 'allow it' }))
    start()
    queue.send('poison')
    await until('it is told', () => kinds().includes('dropped'), 5000)
    await until('an empty queue', () => queue.size === 0, 5000)
    await end()
  })

  it('messages that nobody understands: removed, counted, told once of a kind', async () => {
    const { start, until, queue, counts, kinds, end } = await followQueue()
    start()
    for (let at = 0; at < 5; at++) queue.send(`poison ${at}`)
    queue.send(notification('segments/x', 1, { bucket: 'other' }))
    await until('an empty queue', () => queue.size === 0, 60_000)
    expect(counts).toMatchObject({ poison: 5, foreign: 1 })
    expect(kinds().filter((kind) => kind === 'dropped')).toHaveLength(2)
    await end()
  })

  it('they are left to a queue that keeps elsewhere what is received too often', async () => {
    const { start, until, queue, kinds, end } = await followQueue({ receivesMax: 3 })
    start()
    queue.send('poison')
    await until('it is dead', () => queue.dead.length === 1, 400_000)
    expect(queue.dead).toEqual(['poison'])
    expect(kinds().filter((kind) => kind === 'kept')).toHaveLength(1)
    await end()
  })

  it.each([
    ['gone', 'refused', 1000],
    ['silent', 'unavailable', 120_000],
  ] as const)('a queue that is %s: hosts are polled, said once; back: all is listed', async (_, code, lostMs) => {
    const { start, memory, writer, asked, until, holds, kinds, end, pass, events } = await followQueue()
    start()
    await pass(30_000)
    asked.setRule(() => new LogcaskError(code, 'sqs://x: 400 NonExistentQueue', { hint: 'make it' }))
    await until('it is told', () => kinds().includes('lost'), lostMs + 30_000)
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    await until('polled', holds(`web-1/a~${first}`, 'one\n'), 70_000)
    await stored.append('two\n')
    await until('polled', holds(`web-1/a~${first}`, 'one\ntwo\n'), 70_000)
    await pass(600_000)
    asked.setRule(undefined)
    await until('it is back', () => kinds().includes('back'), 70_000)
    await until('all is listed', () => kinds().filter((kind) => kind === 'listed').length === 2, 5000)
    const more = storedStream(writer, 'web-1', second, '/b')
    await more.append('b')
    await until('by message', holds(`web-1/b~${second}`, 'b'), 5000)
    expect(kinds().filter((kind) => kind === 'lost')).toHaveLength(1)
    expect(events.filter(({ kind }) => kind === 'problem')).toEqual([])
    await end()
  })

  it('I4: a bucket that does not answer: messages come again, and nothing is missed', async () => {
    const { start, writer, bucket, queue, until, holds, end, pass, counts } = await followQueue()
    start()
    await pass(1000)
    const stored = storedStream(writer, 'web-1', first, '/a')
    await stored.append('one\n')
    await until('the file', holds(`web-1/a~${first}`, 'one\n'), 5000)
    await until('an empty queue', () => queue.size === 0, 60_000)
    bucket.setRule(() => ({ kind: 'unavailable' }))
    await stored.append('two\n')
    await pass(400_000)
    expect(queue.size).toBe(1)
    bucket.setRule(undefined)
    await until('the rest', holds(`web-1/a~${first}`, 'one\ntwo\n'), 900_000)
    await until('an empty queue', () => queue.size === 0, 60_000)
    expect(counts.failed).toBeGreaterThan(0)
    await end()
  })

  it('I9: messages that lie of lengths, or of what is not there: the bucket is asked, and the file is as it is', async () => {
    const { start, memory, queue, until, holds, end, pass } = await followQueue()
    start()
    await pass(1000)
    const stored = storedStream(memory, 'web-1', first, '/a')
    await stored.append('one\n')
    const key = `segments/web-1/${first}/00000000000000000000-e3b0c44298fc1c14`
    queue.send(notification(key, 3))
    queue.send(notification(key.replace(first, second), 3))
    await until('the file', holds(`web-1/a~${first}`, 'one\n'), 60_000)
    await until('an empty queue', () => queue.size === 0, 60_000)
    await end()
  })

  it('I9: a host of which nothing can be read holds up no other one, however many its messages', async () => {
    const { start, writer, memory, bucket, queue, until, holds, end, pass } = await followQueue()
    start()
    await pass(1000)
    bucket.setRule(({ key }) => (key.includes('/evil') ? { kind: 'unavailable' } : undefined))
    for (let at = 0; at < 1500; at++) {
      const stream = `0-${(at + 1).toString(36)}`
      const key = `segments/evil-${at % 7}/${stream}/00000000000000000000-e3b0c44298fc1c14`
      queue.send(notification(key, 3))
    }
    await pass(20_000)
    const honest = storedStream(writer, 'web-1', first, '/a')
    await honest.append('one\n')
    await until('the file', holds(`web-1/a~${first}`, 'one\n'), 60_000)
    await honest.append('two\n')
    await until('more of it', holds(`web-1/a~${first}`, 'one\ntwo\n'), 60_000)
    bucket.setRule(undefined)
    await storedStream(memory, 'evil-0', '0-1', '/e').append('evi')
    await until('what it delivered', holds('evil-0/e~0-1', 'evi'), 2_000_000)
    await end()
  })

  it('while work lasts a message stays hidden from others', async () => {
    const { start, writer, bucket, queue, until, holds, end, pass, clock } = await followQueue()
    start()
    await pass(1000)
    const stored = storedStream(writer, 'web-1', first, '/a')
    bucket.setRule(({ op }) => (op === 'get' ? { kind: 'slow', ms: 660_000 } : undefined))
    await stored.append('one\n')
    await pass(600_000)
    const others = await clock.run(queue.receive({ max: 10, waitMs: 0, hideMs: 1000 }))
    expect(others).toEqual([])
    bucket.setRule(undefined)
    await until('the file', holds(`web-1/a~${first}`, 'one\n'), 70_000)
    await until('an empty queue', () => queue.size === 0, 60_000)
    await end()
  })
})
