import { expect, it } from 'vitest'
import { newDelivery, newLife } from '../../src/agent/life.ts'
import { FileCheckpoint, lifeKey } from '../../src/agent/state/checkpoint.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const origin = { machine: undefined, path: '/log', identity: '0-1', agent: 'test' }
const life = (firstGeneration: number) => {
  const made = newLife({ identity: '0-1', firstGeneration, origin, source: 's', path: '/log', destinations: [] })
  made.deliveries.set('a', newDelivery('a'))
  return made
}

it('a life that ended and was forgotten between two saves does not come back', async () => {
  const checkpoint = new FileCheckpoint(await tempDirectory('checkpoint'))
  const [old, next] = [life(0), life(1)]
  await checkpoint.save([old], [], [old])
  old.ended = { reason: 'truncated', atMs: 0 }
  await checkpoint.save([next], [lifeKey(old)], [next])
  expect((await checkpoint.load(['a'])).map(lifeKey)).toEqual([lifeKey(next)])
  await checkpoint.close()
})

it('one whose key is taken over by the next life leaves that one alone', async () => {
  const checkpoint = new FileCheckpoint(await tempDirectory('checkpoint'))
  const [old, next] = [life(0), life(0)]
  await checkpoint.save([old], [], [old])
  await checkpoint.save([next], [], [old, next])
  old.ended = { reason: 'truncated', atMs: 0 }
  await checkpoint.save([], [lifeKey(old)], [next])
  expect((await checkpoint.load(['a'])).map(lifeKey)).toEqual([lifeKey(next)])
  await checkpoint.close()
})
