import { expect } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { isCode } from '../../src/base/errors.ts'
import { type Bucket, listObjects } from '../../src/bucket/bucket.ts'
import { probe, requirePassed } from '../../src/bucket/probe.ts'

/** The probe fails closed: with a message that helps, and nothing left that a later probe would believe. */
export async function expectRefusal(bucket: Bucket): Promise<void> {
  const report = await probe(bucket, { host: 'web-1', clock: systemClock })
  expect(report.passed).toBe(false)
  const refusal = refusalOf(() => requirePassed(report, bucket.url))
  if (!isCode(refusal, 'refused')) throw new Error(`not refused, but ${String(refusal)}`)
  process.stdout.write(`${refusal.message}\n  ${refusal.hint}\n`)
  expect(refusal.message).toContain('nothing was sent')
  expect(refusal.hint).toContain('logcask doctor')
  const keys = (await listObjects(bucket, '')).map(({ key }) => key)
  expect(keys.filter((key) => !key.startsWith('probes/') || key.endsWith('/verdict'))).toEqual([])
  await bucket.close()
}

function refusalOf(work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}
