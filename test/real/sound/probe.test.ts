import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { probe } from '../../../src/bucket/probe.ts'
import { expectRefusal } from '../expect-refusal.ts'
import { openStore, store, storeEnv } from '../store.ts'

for (const [name, value] of Object.entries(storeEnv)) vi.stubEnv(name, value)

describe('I2: the probe', () => {
  it('passes, remembers it, and passes again in full', async () => {
    const { bucket } = await openStore()
    const options = { host: 'web-1', clock: systemClock }
    expect(await probe(bucket, options)).toMatchObject({ passed: true, remembered: false })
    expect(await probe(bucket, options)).toMatchObject({ passed: true, remembered: true })
    expect(await probe(bucket, { ...options, full: true })).toMatchObject({ passed: true, remembered: false })
    await bucket.close()
  })

  it.skipIf(store.versioned === 'none')(
    store.versioned === 'kept'
      ? 'passes on a versioned bucket'
      : 'refuses a versioned bucket, where this server overwrites',
    async () => {
      const { bucket } = await openStore({ versioned: true })
      if (store.versioned === 'refused') return expectRefusal(bucket)
      expect(await probe(bucket, { host: 'web-1', clock: systemClock })).toMatchObject({ passed: true })
      await bucket.close()
    },
  )
})
