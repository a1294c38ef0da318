import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../src/agent/state/state.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type AgentDestination, DestinationSet } from '../../src/cli/compose/compose-destinations.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const state = { host: 'web-1', hasUsed: () => false } as unknown as AgentState
const mibPerSecond = 1024 * 1024

async function setUp() {
  const directory = await tempDirectory('destinations')
  const at = (name: string, more: Partial<AgentDestination> = {}): AgentDestination => ({
    name,
    url: `file://${directory}/${name}`,
    budget: { burst: 20, everyMs: 10_000 },
    ...more,
  })
  await mkdir(join(directory, 'a'))
  return { directory, at, stores: new DestinationSet(state, systemClock, () => {}) }
}

describe('the stores of an agent, when its configuration changes', () => {
  it('those that are as before are the very same, and all share one limit of the agent', async () => {
    const { at, stores } = await setUp()
    const first = await stores.make([at('a'), at('b')], mibPerSecond)
    const second = await stores.make([at('a'), at('b', { rate: mibPerSecond })], mibPerSecond)
    expect(second.destinations[0]).toBe(first.destinations[0])
    expect(second.destinations[1]).not.toBe(first.destinations[1])
    const limits = new Set(second.destinations.map(({ totalRate }) => totalRate))
    expect([...limits]).toEqual([first.destinations[0]?.totalRate])
    const third = await stores.make([at('a'), at('b')], 2 * mibPerSecond)
    expect(new Set(third.destinations.map(({ totalRate }) => totalRate)).size).toBe(1)
    expect(third.destinations[0]?.totalRate).not.toBe(first.destinations[0]?.totalRate)
    await stores.close()
  })

  it('one that cannot be made leaves everything as it was; one that goes is counted no more', async () => {
    const { at, directory, stores } = await setUp()
    await writeFile(join(directory, 'broken.pem'), 'no certificate')
    const first = await stores.make([at('a'), at('b')], undefined)
    const meters = new Map(stores.meters)
    const broken = at('c', { url: 's3://bucket', ca: join(directory, 'broken.pem') })
    await expect(stores.make([at('a'), broken], undefined)).rejects.toMatchObject({ code: 'invalid' })
    expect(stores.meters).toEqual(meters)
    const again = await stores.make([at('a'), at('b')], undefined)
    expect(again.destinations).toEqual(first.destinations)
    await stores.make([at('a')], undefined)
    expect([...stores.meters.keys()]).toEqual(['a'])
    await stores.close()
  })
})
