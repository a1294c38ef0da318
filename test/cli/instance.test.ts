import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { readInstance } from '../../src/cli/compose/instance.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** As the instance metadata service answers, its second version only. */
const metadata: RequestListener = (request, response) => {
  const isToken = request.method === 'PUT' && request.url === '/latest/api/token'
  if (isToken && request.headers['x-aws-ec2-metadata-token-ttl-seconds']) response.end('token-1')
  else if (request.headers['x-aws-ec2-metadata-token'] !== 'token-1') response.writeHead(401).end()
  else response.end(request.url === '/latest/meta-data/instance-id' ? 'i-0abc' : '')
}

/** As STS answers the one question that is asked. */
const sts: RequestListener = (_request, response) => {
  response.setHeader('content-type', 'text/xml')
  response.end(
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
      '<Arn>arn:aws:sts::1:assumed-role/r/i-0abc</Arn><UserId>AROA1:i-0abc</UserId><Account>1</Account>' +
      '</GetCallerIdentityResult></GetCallerIdentityResponse>',
  )
}

describe('what the cloud calls this machine', () => {
  it('is asked for only where a template wants it', async () => {
    const asked: string[] = []
    const endpoint = await serve((request, response) => {
      asked.push(request.url ?? '')
      metadata(request, response)
    })
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint }
    expect(await readInstance(new Set(['hostname', 'machine_id']), env, systemClock)).toEqual({})
    expect(asked).toEqual([])
    expect(await readInstance(new Set(['instance_id']), env, systemClock)).toEqual({ instanceId: 'i-0abc' })
    expect(asked).toEqual(['/latest/api/token', '/latest/meta-data/instance-id'])
  })

  it('says who did not tell it: nobody there, no answer, a refusal, a prohibition', async () => {
    const wanted = new Set(['instance_id'])
    const hasty = { ...systemClock, timer: (ms: number, callback: () => void) => systemClock.timer(ms / 20, callback) }
    const silent = await serve(() => {})
    const denying = await serve((_request, response) => response.writeHead(403).end())
    for (const [env, problem] of [
      [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' }, /127\.0\.0\.1:1 \(IMDSv2\) did not tell it/],
      [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: silent }, /no answer within/],
      [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: denying }, /answers 403/],
      [{ AWS_EC2_METADATA_DISABLED: 'true' }, /AWS_EC2_METADATA_DISABLED forbids/],
    ] as const)
      await expect(readInstance(wanted, env, hasty)).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringMatching(problem),
        hint: expect.stringContaining('{hostname}'),
      })
  })

  it('STS tells the id that policies have in aws:userid', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', await serve(sts))
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
    expect(await readInstance(new Set(['aws_userid']), {}, systemClock)).toEqual({ awsUserId: 'AROA1:i-0abc' })
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1')
    await expect(readInstance(new Set(['aws_userid']), {}, systemClock)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('{aws_userid}: STS did not tell it'),
    })
    vi.unstubAllEnvs()
  })
})
