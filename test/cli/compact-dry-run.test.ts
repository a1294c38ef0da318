import { expect, it } from 'vitest'
import { restByEvents, restByPolling } from '../../src/cli/compact/rest-cost.ts'
import { bucketOn, faultS3 } from '../support/fault-s3-fixture.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { storedStream } from '../support/stored-stream.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const pace = { intervalMinMs: 5000, intervalMaxMs: 60_000, fullIntervalMs: 3_600_000 }

it('I7: what rest costs: by polling it is the hosts, by events the history, once a day', () => {
  expect(restByPolling(1, 5, pace)).toEqual({
    requestsPerHour: 60 * (3 + 2) + 5,
    dollarsPerMonth: expect.closeTo(1.11, 2),
  })
  expect(restByPolling(2500, 7506, pace).requestsPerHour).toBe(60 * (7500 + 6) + 7506)
  // A million streams of a thousand hosts: segments, seals, gaps.
  const events = restByEvents(3002, 86_400_000)
  expect(events).toEqual({ requestsPerHour: 126 + 180, dollarsPerMonth: expect.closeTo(0.51, 2) })
})

it('compact --dry-run lists all there is, says what that costs, and writes nothing', async () => {
  const server = await faultS3()
  const bucket = bucketOn(server, { prefix: 'pre/' })
  for (const host of ['web-1', 'web-2']) {
    const stored = storedStream(bucket, host, '0-1', '/var/log/a.log')
    await stored.append('one')
    await stored.append('two')
    if (host === 'web-1') await stored.seal()
  }
  server.requests.length = 0
  const args = ['compact', '--from', `s3://bucket/pre?endpoint=${server.endpoint}`, '--dry-run']
  const { code, stdout, stderr } = await commandLine(args)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toContain('2 hosts, 2 streams (1 sealed), 4 segments, 12 B; all of it is listed by 8 requests\n')
  expect(stdout).toContain(`at rest, by polling: ${(60 * (2 * 3 + 2) + 8).toString()} requests an hour, $1.78 a month`)
  expect(stdout).toContain('at rest, by events:  181 requests an hour, $0.05 a month')
  expect(server.requests.filter(({ method }) => method !== 'GET')).toEqual([])
  const { stdout: json } = await commandLine([...args, '--json'])
  expect(JSON.parse(json)).toMatchObject({ hosts: 2, streams: 2, sealed: 1, segments: 4, listing: 8 })
})
