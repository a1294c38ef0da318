import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { LogcaskError } from '../../src/base/errors.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { largeStepBytes } from '../../src/bucket/large-body.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { largeWay } from '../../src/bucket/probe-large.ts'
import { type Fault, faults, firstTimes } from '../support/fault-s3-faults.ts'
import { bucketOn, faultS3 } from '../support/fault-s3-fixture.ts'
import { problem } from '../support/fault-s3-reply.ts'
import { largeBody } from '../support/large-suite.ts'
import { patternBytes } from '../support/pattern-bytes.ts'

const bytes = patternBytes(17 * largeStepBytes)
const inParts = { mode: 'create', way: 'parts' } as const
const key = 'files/large'

async function stage() {
  const server = await faultS3()
  const bucket = bucketOn(server)
  const count = (operation: string): number => server.requests.filter((one) => one.operation === operation).length
  return { server, bucket, count, put: () => bucket.putLarge(key, largeBody(bytes), inParts) }
}

describe('uploads in parts', () => {
  const once: [string, Fault][] = [
    ['500', faults['500']],
    ['503', faults['503']],
    ['a lost request', faults['lost-before']],
    ['a lost answer', faults.lost],
    ['500 after it acted', faults['500-after']],
  ]
  it.each(once)('I1: a part that meets %s is sent again, and not the others', async (_what, fault) => {
    const { server, put, count } = await stage()
    server.fault(firstTimes(1, fault, ({ operation }) => operation === 'UploadPart'))
    expect(await put()).toBe('created')
    expect(Buffer.compare(server.objects.body(key) ?? Buffer.alloc(0), bytes)).toBe(0)
    expect(count('UploadPart')).toBe(4)
    expect(count('CreateMultipartUpload')).toBe(1)
  })

  it.each([
    ['a lost answer', faults.lost],
    ['500 after it acted', faults['500-after']],
  ] as const)('I1: a completion with %s is there, once: `exists`, for the caller to compare', async (_what, fault) => {
    const { server, put } = await stage()
    server.fault(firstTimes(1, fault, ({ operation }) => operation === 'CompleteMultipartUpload'))
    expect(await put()).toBe('exists')
    expect(server.objects.versions(key)).toHaveLength(1)
    expect(Buffer.compare(server.objects.body(key) ?? Buffer.alloc(0), bytes)).toBe(0)
  })

  it('an error in a 200 is none that was stored: the completion is asked again', async () => {
    const { server, put } = await stage()
    server.fault(firstTimes(2, faults['200-error'], ({ operation }) => operation === 'CompleteMultipartUpload'))
    expect(await put()).toBe('created')
  })

  it('I2: a refused completion leaves what is there, and its parts are given up', async () => {
    const { server, bucket, put, count } = await stage()
    await bucket.put(key, Buffer.from('first'), { mode: 'create' })
    expect(await put()).toBe('exists')
    expect(server.objects.body(key)?.toString()).toBe('first')
    expect(count('AbortMultipartUpload')).toBe(1)
  })

  it.each([
    ['an upload that the store has dropped', problem(404, 'NoSuchUpload')],
    ['a conflict of conditions', problem(409, 'ConditionalRequestConflict')],
  ])('%s is begun anew by the next attempt', async (_what, reply) => {
    const { server, put, count } = await stage()
    server.fault(firstTimes(1, { kind: 'instead', reply }, ({ operation }) => operation === 'CompleteMultipartUpload'))
    await expect(put()).rejects.toMatchObject({ code: 'unavailable' })
    expect(count('AbortMultipartUpload')).toBe(1)
    expect(await put()).toBe('created')
  })

  it('a store that denies a part says so, with the remedy, and the upload is given up', async () => {
    const { server, put, count } = await stage()
    server.fault(({ operation }) => (operation === 'UploadPart' ? faults.denied : undefined))
    await expect(put()).rejects.toMatchObject({ code: 'refused', hint: expect.anything() })
    expect(count('AbortMultipartUpload')).toBe(1)
  })
})

it('the uploader is loaded with the first body that needs it: most agents never see one', () => {
  const script = `
    const { cache } = process.getBuiltinModule('node:module').createRequire(import.meta.url)
    const loaded = () => Object.keys(cache).filter((path) => path.includes('lib-storage')).length > 0
    await import('./src/bucket/s3.ts')
    const before = loaded()
    await import('@aws-sdk/lib-storage')
    console.log(before, loaded())`
  const args = ['--input-type=module', '--eval', script]
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim()).toBe('false true')
})

describe('large bodies in one request', () => {
  it('I2: a store that hangs up on a name that it has, before it has read the body, has it: `exists`', async () => {
    const { server, bucket } = await stage()
    await bucket.put(key, Buffer.from('first'), { mode: 'create' })
    server.fault(({ operation }) => (operation === 'PutObject' ? { kind: 'cut-upload', bytes: 1_000_000 } : undefined))
    expect(await bucket.putLarge(key, largeBody(bytes), { mode: 'create', way: 'one' })).toBe('exists')
  })

  it('a body that breaks off ends the request, whatever the line would wait for', async () => {
    const { server } = await stage()
    const bucket = bucketOn(server, { requestTimeoutMs: 300_000 })
    const read = async (start: number): Promise<Uint8Array> => {
      if (start > 0) throw new LogcaskError('conflict', 'the file changed')
      return bytes.subarray(0, largeStepBytes)
    }
    const body = { ...largeBody(bytes), read }
    await expect(bucket.putLarge(key, body, { mode: 'create', way: 'one' })).rejects.toThrow('the file changed')
    expect(server.objects.keys()).toEqual([])
  })

  it('I4: one that hangs up, and has nothing, decides nothing', async () => {
    const { server, bucket } = await stage()
    server.fault(firstTimes(1, { kind: 'cut-upload', bytes: 1_000_000 }))
    const body = largeBody(bytes)
    await expect(bucket.putLarge(key, body, { mode: 'create', way: 'one' })).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(await bucket.putLarge(key, body, { mode: 'create', way: 'one' })).toBe('created')
  })
})

describe('bodies in pieces: a store that has the name answers before it has read them, and hangs up', () => {
  const segment = patternBytes(4 * largeStepBytes)
  const hangsUp: Fault = { kind: 'cut-upload', bytes: 1_000_000 }
  const put = (bucket: Bucket) => bucket.put(key, segment, { mode: 'create' })

  it('I2: `exists`, though the answer never gets here', async () => {
    const { server, bucket } = await stage()
    await bucket.put(key, Buffer.from('first'), { mode: 'create' })
    server.fault(({ operation }) => (operation === 'PutObject' ? hangsUp : undefined))
    expect(await put(bucket)).toBe('exists')
  })

  it('I4: where nothing is there, or nobody can look, nothing is decided', async () => {
    const { server, bucket } = await stage()
    server.fault(firstTimes(1, hangsUp))
    await expect(put(bucket)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await put(bucket)).toBe('created')
    server.fault(({ operation }) => (operation === 'PutObject' ? hangsUp : faults.denied))
    await expect(put(bucket)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('PutObject'),
    })
  })
})

describe('which way large bodies go', () => {
  const subjectOf = (bucket: ReturnType<typeof bucketOn>) =>
    ({ bucket, host: 'web-1', clock: systemClock, signal: undefined }) as const

  it('in parts, where their completion is refused over what is there; the next time by one duplicate', async () => {
    const { server, bucket, count } = await stage()
    expect(await largeWay(subjectOf(bucket))).toBe('parts')
    const before = count('CreateMultipartUpload')
    expect(await largeWay(subjectOf(bucket))).toBe('parts')
    expect(count('CreateMultipartUpload')).toBe(before + 1)
    expect(server.objects.keys().every((name) => name.startsWith('probes/web-1/'))).toBe(true)
  })

  it('I2: in one, where it overwrites; and that is remembered', async () => {
    const { server, bucket, count } = await stage()
    server.fault(({ operation }) => (operation === 'CompleteMultipartUpload' ? faults.ignore : undefined))
    expect(await largeWay(subjectOf(bucket))).toBe('one')
    const before = count('CreateMultipartUpload')
    expect(await largeWay(subjectOf(bucket))).toBe('one')
    expect(count('CreateMultipartUpload')).toBe(before)
  })

  it('in one, where several of a race win', async () => {
    const memory = createMemoryBucket(systemClock)
    const bucket = {
      ...memory,
      putLarge: async (...[name, body, options]: Parameters<typeof memory.putLarge>) => {
        const answer = await memory.putLarge(name, body, options)
        return name.includes('race') ? ('created' as const) : answer
      },
    }
    expect(await largeWay(subjectOf(bucket))).toBe('one')
  })

  it.each(['denied', '501'] as const)('in one, where uploads in parts are refused (%s)', async (name) => {
    const { server, bucket } = await stage()
    server.fault(({ operation }) => (operation === 'CreateMultipartUpload' ? faults[name] : undefined))
    expect(await largeWay(subjectOf(bucket))).toBe('one')
  })

  it('I4: nothing is decided by a store that does not answer', async () => {
    const { server, bucket } = await stage()
    server.fault(({ operation }) => (operation === 'GetObject' ? faults['500'] : undefined))
    await expect(largeWay(subjectOf(bucket))).rejects.toMatchObject({ code: 'unavailable' })
  })
})
