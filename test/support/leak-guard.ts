import { readdir, readlink } from 'node:fs/promises'
import { isMainThread } from 'node:worker_threads'
import { afterAll, beforeAll, expect } from 'vitest'

const deadlineMs = 5_000

/**
 * Fails the test file that calls it (at its top, before its own hooks) when it leaves sockets, servers, watchers,
 * timers, children or open files behind. What is being closed gets five seconds.
 */
export function guardLeaks(): void {
  let before: Map<string, number>
  beforeAll(async () => {
    before = await openThings()
  })
  afterAll(async () => {
    const endAt = performance.now() + deadlineMs
    let left = added(before, await openThings())
    while (left.length > 0 && performance.now() < endAt) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      left = added(before, await openThings())
    }
    expect(left, 'left open by this test file').toEqual([])
  }, deadlineMs * 2)
}

/** What is open now, counted: libuv's resources by kind, and (on Linux, in a process of our own) descriptors by target. */
export async function openThings(): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)
  // Work in progress is no handle, and what vitest itself waits for comes and goes.
  const passing = /^(FSReq|GetAddrInfo|Immediate|CloseReq|MessagePort|TickObject|Promise)/
  for (const kind of process.getActiveResourcesInfo()) if (!passing.test(kind)) count(kind)
  if (isMainThread && process.platform === 'linux') for (const target of await descriptors()) count(`fd ${target}`)
  return counts
}

/** How many descriptors name a file below `directory`: for tests that look while something runs. */
export async function openFilesBelow(directory: string): Promise<string[]> {
  return (await descriptors()).filter((target) => target.startsWith(`${directory}/`))
}

async function descriptors(): Promise<string[]> {
  const numbers = await readdir('/proc/self/fd')
  const targets = await Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')))
  // The listing's own descriptor is among them, and closed by now.
  return targets.filter((target) => target !== '' && !target.includes('/proc/'))
}

export function added(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string[] {
  return [...after].flatMap(([name, count]) => {
    const more = count - (before.get(name) ?? 0)
    return more > 0 ? [`${name} × ${more}`] : []
  })
}
