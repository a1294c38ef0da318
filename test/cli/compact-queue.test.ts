import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createSqsQueue } from '../../src/bucket/s3-queue.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

guardLeaks()

const queue = 'https://sqs.eu-central-1.amazonaws.com/123456789012/logs'

describe('compact --events, serve with events', () => {
  it.each([
    [['compact', '--from', 'file:///x', '--to', '/y', '--events', queue], 'notifies no queue'],
    [['compact', '--from', 's3://x', '--to', '/y', '--events', queue, '--once'], '--once looks at everything'],
    [['compact', '--from', 's3://x', '--to', '/y', '--list-every', '1h'], 'no queue is named'],
    [['compact', '--from', 's3://x', '--to', '/y', '--events', queue, '--list-every', '1s'], 'shorter than a minute'],
    [['compact', '--from', 's3://x', '--to', '/y', '--archive', 's3://z', '--events', queue], 'one queue cannot feed'],
    [['compact', '--from', 's3://x', '--to', '/y', '--events', 'sqs://a.fifo'], 'FIFO'],
    [['serve', '--from', 's3://x', '--events', queue], 'no directory is named'],
  ])('%j: usage', async (argv, why) => {
    const { code, stderr } = await commandLine(argv)
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)])
  })

  it('the configuration of a server', async () => {
    const directory = await tempDirectory('queue')
    const config = join(directory, 'server.yaml')
    const check = async (events: string) => {
      await writeFile(config, `from: s3://acme-logs/prod\nto: ${join(directory, 'out')}\nevents: ${events}\n`)
      const { code, stderr } = await commandLine(['serve', '-c', config, '--check'])
      return [code, stderr]
    }
    expect(await check(`{ queue: "${queue}", listEvery: 12h }`)).toEqual([
      0,
      expect.stringMatching(/nothing[\s\S]*180 times an hour, and all is listed every 12h/),
    ])
    expect(await check('{ queue: logs }')).toEqual([2, expect.stringContaining('names no queue')])
    expect(await check(`{ queue: "${queue}", listEvery: 1s }`)).toEqual([2, expect.stringContaining('listEvery')])
  })
})

/** Answers every request with `status` and `body`. */
async function server(status: number, body: object): Promise<string> {
  const one = createServer((_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    one.closeAllConnections()
    await new Promise((resolve) => one.close(resolve))
  })
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}/000000000000/logs`
}

describe('what a queue answers', () => {
  it.each([
    [400, 'com.amazonaws.sqs#QueueDoesNotExist', 'refused', 'check its name'],
    [403, 'com.amazon.coral.service#AccessDeniedException', 'refused', 'allow sqs:ReceiveMessage'],
    [403, 'com.amazonaws.sqs#RequestThrottled', 'unavailable', ''],
    [503, 'com.amazonaws.sqs#ServiceUnavailable', 'unavailable', 'log'],
  ])('%i %s: %s', async (status, type, code, hint) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'testtest1')
    onTestFinished(() => void vi.unstubAllEnvs())
    const queueUrl = await server(status, { __type: type, message: 'no' })
    const queue = createSqsQueue({ queueUrl }, systemClock)
    const error: unknown = await queue.receive({ max: 10, waitMs: 0, hideMs: 1000 }).catch((thrown: unknown) => thrown)
    await queue.close()
    expect(error).toMatchObject({ code, hint: expect.stringContaining(hint) })
    expect(String(error)).toContain(queueUrl)
  })

  it('an abort ends the long poll at once', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'testtest1')
    onTestFinished(() => void vi.unstubAllEnvs())
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const queueUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/000000000000/logs`
    const queue = createSqsQueue({ queueUrl }, systemClock)
    const stop = new AbortController()
    const receiving = queue.receive({ max: 10, waitMs: 20_000, hideMs: 1000, signal: stop.signal })
    await new Promise((resolve) => silent.once('request', resolve))
    stop.abort(new Error('stopped'))
    await expect(receiving).rejects.toThrow('stopped')
    await queue.close()
    silent.closeAllConnections()
    await new Promise((resolve) => silent.close(resolve))
  })
})
