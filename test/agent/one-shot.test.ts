import { appendFileSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { segmentKey } from '../../src/format/keys.ts'
import { decodeOrigin } from '../../src/format/origin.ts'
import { type Rig, rig } from './rig.ts'

let at: Rig
beforeEach(async () => {
  at = await rig(['a', 'b'])
})
afterEach(() => at.close())

describe('one-shot', () => {
  it('a file that grows on once it is delivered keeps no other waiting', async () => {
    const log = join(at.logs, 'app.log')
    await writeFile(log, 'live\n')
    await writeFile(`${log}.1`, 'rotated\n')
    const push = at.events.push.bind(at.events)
    at.events.push = (...events) => {
      if (events.some((event) => event.kind === 'sealed' && event.life.path === log)) appendFileSync(log, 'more\n')
      return push(...events)
    }
    await at.once({ openFilesMax: 1 })
    await at.delivered(['live\n', 'rotated\n'])
  })

  it('I1: delivers every file whole to every bucket, a small one with one request', async () => {
    await writeFile(join(at.logs, 'one.log'), 'hello\n')
    await writeFile(join(at.logs, 'two.log'), Buffer.alloc(9 * 1024 * 1024, 'x'))
    await writeFile(join(at.logs, 'empty.log'), '')
    await at.once()
    for (const name of ['a', 'b']) {
      const contents = [...(await at.contents(name)).values()].sort((x, y) => x.length - y.length)
      expect(contents.map((text) => text.length)).toEqual([6, 9 * 1024 * 1024])
      expect(await at.keys(name, 'seals/')).toHaveLength(2)
      expect(await at.keys(name, 'gaps/')).toEqual([])
    }
  })

  it('I3: a second run sends nothing, also without its state', async () => {
    await writeFile(join(at.logs, 'one.log'), 'hello\n')
    await writeFile(join(at.logs, 'two.log'), Buffer.alloc(5 * 1024 * 1024, 'y'))
    await at.once()
    const before = await at.keys('a', '')
    at.events.length = 0
    await at.once()
    await at.loseState()
    await at.once()
    expect(await at.keys('a', '')).toEqual(before)
    expect(at.events.filter((event) => event.kind === 'acked')).toEqual([])
  })

  it('goes on where the file has grown', async () => {
    const path = join(at.logs, 'one.log')
    await writeFile(path, 'hello\n')
    await at.once()
    await appendFile(path, 'world\n')
    await at.loseState()
    await at.once()
    expect([...(await at.contents('b')).values()]).toEqual(['hello\nworld\n'])
    expect(await at.keys('a', 'seals/')).toHaveLength(1)
  })

  for (const hasState of [true, false]) {
    it(`a cloned machine forks, ${hasState ? 'with' : 'without'} the state that came along`, async () => {
      const path = join(at.logs, 'one.log')
      await writeFile(path, 'shared\n')
      await at.once()
      await appendFile(path, 'of the clone\n')
      if (!hasState) await at.loseState()
      await at.once({ machine: 'machine-2' })
      const streams = [...(await at.contents('a'))].sort(([one], [other]) => (one < other ? -1 : 1))
      expect(streams.map(([, content]) => content)).toEqual(['shared\n', 'shared\nof the clone\n'])
      const [first, second] = streams.map(([stream]) => stream)
      expect(second).toBe(`${first}.1`)
      const header = await at.buckets.get('a')!.head(segmentKey('web-1', second!, 0, 'e3b0c44298fc1c14'))
      expect(decodeOrigin(header!.metadata.origin!)).toMatchObject({
        machine: 'machine-2',
        forkOf: { stream: first, shared: 7 },
      })
    })
  }
})
