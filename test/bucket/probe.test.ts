import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { LogcaskError } from '../../src/base/errors.ts'
import { type Bucket, listObjects } from '../../src/bucket/bucket.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { createMemoryBucket, type MemoryBucket } from '../../src/bucket/memory.ts'
import { type ProbeReport, probe, requirePassed } from '../../src/bucket/probe.ts'
import { type Fault, faultBucket, randomFaults } from '../support/fault-bucket.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

const host = 'web-1'

function setUp(options: { versions?: boolean } = {}) {
  const clock = createVirtualClock()
  const store = createMemoryBucket(clock, options)
  return { clock, store, faults: faultBucket(store, clock) }
}

type SetUp = ReturnType<typeof setUp>
const run = ({ clock }: SetUp, bucket: Bucket, full = false): Promise<ProbeReport> =>
  clock.run(probe(bucket, { host, clock, full }))

/** A store with one thing wrong: the given methods instead of its own. */
function broken(store: MemoryBucket, methods: Partial<Bucket>): Bucket {
  return { ...store, ...methods }
}

const overwriting = (store: MemoryBucket): Bucket =>
  broken(store, {
    put: async (key, body, options) => {
      store.tamper(key, body, options.metadata)
      return 'created'
    },
  })

function findingOf(report: ProbeReport, check: string) {
  return report.findings.find((finding) => finding.check === check)
}

describe('probe', () => {
  it('passes a store that creates only, says what it saw, and leaves its verdict', async () => {
    const world = setUp()
    const report = await run(world, world.store)
    expect(report.passed).toBe(true)
    expect(report.remembered).toBe(false)
    expect(report.findings.map(({ check, state }) => `${check} ${state}`)).toEqual([
      'create ok',
      'read ok',
      'duplicate ok',
      'list ok',
      'race ok',
    ])
    expect(findingOf(report, 'race')?.seen).toBe('8-way race × 3: one winner each')
    const verdict = await world.store.get('probes/web-1/verdict')
    expect(Buffer.from(verdict?.body ?? []).toString()).toBe('{"v":1,"passed":true,"at":"2026-11-20T10:15:00.000Z"}')
    expect(() => requirePassed(report, 'memory:///', 'memory:///')).not.toThrow()
  })

  it('writes below probes/<host>/ only', async () => {
    const world = setUp()
    await run(world, world.store)
    const keys = (await listObjects(world.store, '')).map(({ key }) => key)
    expect(keys.filter((key) => !key.startsWith('probes/web-1/'))).toEqual([])
    expect(keys).toHaveLength(5)
  })

  it('where the verdict is found, one duplicate is enough', async () => {
    const world = setUp()
    await run(world, world.store)
    const again = await run(world, world.faults)
    expect(again).toMatchObject({ passed: true, remembered: true })
    expect(again.findings).toHaveLength(1)
    expect(world.faults.operations.map(({ op, key }) => `${op} ${key}`)).toEqual([
      'get probes/web-1/verdict',
      'put probes/web-1/verdict',
      'get probes/web-1/verdict',
    ])
  })

  it('I2: a store that has begun to overwrite since is refused, at the next start too', async () => {
    const world = setUp()
    await run(world, world.store)
    for (const remembered of [true, false]) {
      const report = await run(world, overwriting(world.store))
      expect(report).toMatchObject({ passed: false, remembered })
    }
  })

  it('a verdict that somebody touched is not believed', async () => {
    const world = setUp({ versions: true })
    await run(world, world.store)
    world.store.tamper('probes/web-1/verdict', Buffer.from('{"v":1,"passed":true}'))
    expect(await run(world, world.store)).toMatchObject({ passed: true, remembered: false })
  })

  it.each(['', 'yes', '{}', '{"v":2,"passed":true}', '{"v":1,"passed":"true"}', '{"v":1,"passed":false}'])(
    'a verdict that says %j is none',
    async (text) => {
      const world = setUp()
      await world.store.put('probes/web-1/verdict', Buffer.from(text), { mode: 'create' })
      expect(await run(world, world.store)).toMatchObject({ passed: true, remembered: false })
    },
  )

  it('full: everything is tried, 20-way × 10, whatever is remembered', async () => {
    const world = setUp()
    await run(world, world.store)
    const report = await run(world, world.store, true)
    expect(report).toMatchObject({ passed: true, remembered: false })
    expect(findingOf(report, 'race')?.seen).toBe('20-way race × 10: one winner each')
  })

  describe('refuses', () => {
    it('I2: a store that ignores the condition, and says what was seen and what to use instead', async () => {
      const world = setUp()
      const report = await run(world, overwriting(world.store))
      expect(report.passed).toBe(false)
      expect(findingOf(report, 'duplicate')).toMatchObject({
        state: 'failed',
        seen: "a second PUT of the same key was answered 'created' and the body changed: this store ignores If-None-Match",
      })
      expect(findingOf(report, 'race')?.state).toBe('unknown')
      expect(await world.store.get('probes/web-1/verdict')).toBeUndefined()
      let thrown: unknown
      try {
        requirePassed(report, 's3://acme', "'s3://acme?endpoint=http://a'")
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(LogcaskError)
      expect(thrown).toMatchObject({ code: 'refused' })
      expect((thrown as LogcaskError).message).toMatch(/^s3:\/\/acme: nothing was sent: a second PUT.*If-None-Match$/)
      expect((thrown as LogcaskError).hint).toMatch(
        /versitygw ≥ 1.8.*logcask doctor 's3:\/\/acme\?endpoint=http:\/\/a'$/,
      )
    })

    it('I2: a store that says `exists` and overwrites all the same', async () => {
      const world = setUp()
      const report = await run(
        world,
        broken(world.store, {
          put: async (key, body, options) => {
            const answer = await world.store.put(key, body, options)
            if (answer === 'exists') world.store.tamper(key, body, options.metadata)
            return answer
          },
        }),
      )
      expect(findingOf(report, 'duplicate')?.seen).toBe(
        "a second PUT of the same key was answered 'exists', but the body changed",
      )
    })

    it('I2: a versioned store that takes a second PUT as a new version', async () => {
      const world = setUp({ versions: true })
      const report = await run(world, overwriting(world.store))
      expect(findingOf(report, 'duplicate')).toMatchObject({ state: 'failed' })
    })

    it('I2: a store that checks first and writes later: sequential duplicates are refused, races are not', async () => {
      const world = setUp()
      const racy = broken(world.store, {
        put: async (key, body, options) => {
          if ((await world.store.head(key)) !== undefined) return 'exists'
          await world.clock.sleep(world.clock.random() * 10)
          world.store.tamper(key, body, options.metadata)
          return 'created'
        },
      })
      const report = await run(world, racy)
      expect(findingOf(report, 'duplicate')?.state).toBe('ok')
      expect(findingOf(report, 'race')).toMatchObject({ state: 'failed', seen: '8 of 8 creators of one key won' })
      expect(report.passed).toBe(false)
      expect(await world.store.get('probes/web-1/verdict')).toBeUndefined()
    })

    it('I2: a store that tells one winner and keeps another’s body', async () => {
      const world = setUp()
      const report = await run(
        world,
        broken(world.store, {
          put: async (key, body, options) => {
            const answer = await world.store.put(key, body, options)
            if (answer === 'exists' && key.includes('race')) world.store.tamper(key, body)
            return answer
          },
        }),
      )
      expect(findingOf(report, 'race')).toMatchObject({
        state: 'failed',
        seen: "after a race of 8 the body is not the winner's",
      })
    })

    it.each<[string, string, (store: MemoryBucket) => Partial<Bucket>]>([
      ['answers `exists` for a new key', 'create', () => ({ put: async () => 'exists' })],
      ['loses what it stored', 'read', () => ({ get: async () => undefined })],
      [
        'drops metadata',
        'read',
        (store) => ({ put: (key, body, options) => store.put(key, body, { ...options, metadata: {} }) }),
      ],
      ['ignores ranges', 'read', (store) => ({ get: (key) => store.get(key) })],
      [
        'changes bytes',
        'read',
        (store) => ({ put: (key, body, options) => store.put(key, body.slice(0, -1), options) }),
      ],
      ['lists late', 'list', () => ({ list: async function* () {} })],
    ])('a store that %s', async (_what, check, methods) => {
      const world = setUp()
      const report = await run(world, broken(world.store, methods(world.store)))
      expect(findingOf(report, check)?.state).toBe('failed')
      expect(report.passed).toBe(false)
      expect(() => requirePassed(report, 's3://acme', "'s3://acme?endpoint=http://a'")).toThrow(/nothing was sent/)
    })

    it('a store that answers 501, with another store to use', async () => {
      const world = setUp()
      world.faults.setRule(({ op }) =>
        op === 'put' ? { kind: 'refused', message: 'PUT: 501 NotImplemented' } : undefined,
      )
      const report = await run(world, world.faults)
      expect(findingOf(report, 'create')).toMatchObject({ state: 'failed', seen: 'PUT: 501 NotImplemented' })
      expect(findingOf(report, 'create')?.fix).toMatch(/^use a store that creates only/)
    })

    it('a store whose answer begins with its URL, which is said once', () => {
      const seen = 's3://acme: PUT: 403'
      const report: ProbeReport = {
        passed: false,
        remembered: false,
        findings: [{ check: 'create', state: 'failed', seen }],
      }
      expect(() => requirePassed(report, 's3://acme', 's3://acme')).toThrow(/^s3:\/\/acme: nothing was sent: PUT: 403$/)
    })

    it.each(['read', 'list'] as const)('a store that forbids %s, with its own remedy', async (check) => {
      const world = setUp()
      const forbidden = check === 'read' ? 'get' : 'list'
      world.faults.setRule(({ op }) => (op === forbidden ? { kind: 'refused' } : undefined))
      const report = await run(world, world.faults)
      expect(findingOf(report, check)).toMatchObject({ state: 'failed', fix: 'allow it' })
      expect(findingOf(report, 'create')?.state).toBe('ok')
    })
  })

  it('a policy that answers 403 for keys that are not there passes', async () => {
    const world = setUp()
    world.faults.setRule(({ op, key }) => (op === 'get' && key.endsWith('verdict') ? { kind: 'refused' } : undefined))
    expect(await run(world, world.faults)).toMatchObject({ passed: true, remembered: false })
  })

  it.each<Fault>([{ kind: 'unavailable' }, { kind: 'lost' }])(
    'I4: an answer that is $kind decides nothing, whichever it is',
    async (fault) => {
      const clean = setUp()
      await run(clean, clean.faults)
      const requests = clean.faults.operations.length
      for (let at = 0; at < requests; at++) {
        const world = setUp()
        world.faults.setRule(({ number }) => (number === at ? fault : undefined))
        const outcome = await run(world, world.faults).catch((error: unknown) => error)
        // A creator in the race asks again; everywhere else the whole probe is to be asked again.
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'unavailable' })
        else expect(outcome).toMatchObject({ passed: true })
        world.faults.setRule(undefined)
        expect(await run(world, world.faults)).toMatchObject({ passed: true })
      }
    },
  )

  it('I4: creators whose answers are lost in the race ask again, and a good store is never called a bad one', async () => {
    let passed = 0
    for (let seed = 1; seed <= 100; seed++) {
      const world = setUp()
      const mix = randomFaults(seededRandom(seed), { lost: 0.2, unavailable: 0.1, late: 0.1, slow: 0.1 }, 500)
      world.faults.setRule((operation) =>
        operation.op === 'put' && /race/.test(operation.key) ? mix(operation) : undefined,
      )
      const outcome = await run(world, world.faults).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'unavailable' })
      else expect(outcome, `seed ${seed}`).toMatchObject({ passed: true })
      if (!(outcome instanceof Error)) passed++
    }
    expect(passed).toBeGreaterThan(80)
  })

  it('an abort ends it with the reason', async () => {
    const world = setUp()
    world.faults.setRule(({ op }) => (op === 'list' ? { kind: 'hang' } : undefined))
    const abort = new AbortController()
    const outcome = probe(world.faults, { host, clock: world.clock, signal: abort.signal }).catch((error) => error)
    await world.clock.advance(60_000)
    abort.abort('stop')
    expect(await outcome).toBe('stop')
  })
})

describe('probe of a directory', () => {
  it('passes in full, and is remembered by whoever opens it next', async () => {
    const root = join(await tempDirectory(), 'store')
    const first = await probe(createDirectoryBucket({ root, create: true }, systemClock), {
      host,
      clock: systemClock,
      full: true,
    })
    expect(first).toMatchObject({ passed: true, remembered: false })
    const again = await probe(createDirectoryBucket({ root, create: false }, systemClock), { host, clock: systemClock })
    expect(again).toMatchObject({ passed: true, remembered: true })
  })

  it('I4: of a mount that is missing decides nothing', async () => {
    const root = join(await tempDirectory(), 'mount')
    const missing = createDirectoryBucket({ root, create: false }, systemClock)
    await expect(probe(missing, { host, clock: systemClock })).rejects.toMatchObject({ code: 'unavailable' })
  })
})
