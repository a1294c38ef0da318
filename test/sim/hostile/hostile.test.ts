import { expect, it } from 'vitest'
import { runHostile } from './hostile-history.ts'

/** `npm run sim -- --hostile --seeds 10000` runs as many as one likes. */
const histories = 100

it('I8, I9: a host that was taken over changes and withholds nothing that was delivered before', async () => {
  const wrong: string[] = []
  const seen = new Map<string, number>()
  for (let seed = 1; seed <= histories; seed++) {
    const { violations, counts } = await runHostile(seed)
    for (const [what, count] of counts) seen.set(what, (seen.get(what) ?? 0) + count)
    if (violations.length > 0) wrong.push(`seed ${seed}: ${violations[0]}`)
  }
  expect(wrong).toEqual([])
  // Each kind of attack was really made.
  for (const [what, count] of seen) expect(count, what).toBeGreaterThan(5)
  expect(seen.size).toBeGreaterThanOrEqual(15)
}, 240_000)
