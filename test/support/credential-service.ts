import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Credentials as they are given out next. */
export interface Given {
  accessKey: string
  secret: string
  token?: string
  expiresInMs?: number
}

/**
 * On one port of loopback, what gives out credentials in AWS: an instance's metadata (IMDSv2), a container's endpoint
 * (`/container`, with the token `let-me-in`), and STS, as far as roles go.
 */
export interface CredentialService {
  readonly url: string
  /** What was asked: `imds`, `container`, `AssumeRole`, … */
  readonly asked: string[]
  /** The fields of the last request to STS. */
  sts: URLSearchParams
  /** Whose signature it bore. */
  signer: string | undefined
  give: Given
  /** Answers this instead, or nothing at all. */
  fail: { status: number; code?: string; message?: string } | 'hang' | undefined
}

export async function credentialService(give: Given): Promise<CredentialService> {
  const service: CredentialService = {
    url: '',
    asked: [],
    sts: new URLSearchParams(),
    signer: undefined,
    give,
    fail: undefined,
  }
  const server = createServer((request, response) => void answer(service, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  })
  return Object.assign(service, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

async function answer(service: CredentialService, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { fail } = service
  const path = request.url ?? ''
  if (path.startsWith('/latest/')) {
    service.asked.push('imds')
    if (isFailing(fail, response)) return
    return answerMetadata(service, path, request, response)
  }
  if (path === '/container') {
    service.asked.push('container')
    if (isFailing(fail, response)) return
    if (request.headers.authorization !== 'let-me-in') return void response.writeHead(401).end()
    return void response.end(JSON.stringify(plain(service.give)))
  }
  service.sts = new URLSearchParams(Buffer.concat(chunks).toString())
  service.signer = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1]
  const action = service.sts.get('Action') ?? ''
  service.asked.push(action)
  if (isFailing(fail, response)) return
  response.writeHead(200, { 'content-type': 'text/xml' }).end(stsAnswer(action, service.give))
}

function answerMetadata(
  { give }: CredentialService,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (path === '/latest/api/token' && request.method === 'PUT') return void response.end('session')
  if (request.headers['x-aws-ec2-metadata-token'] !== 'session') return void response.writeHead(401).end()
  if (path.endsWith('/security-credentials/')) return void response.end('web-role')
  if (path.endsWith('/web-role')) return void response.end(JSON.stringify({ Code: 'Success', ...plain(give) }))
  response.writeHead(404).end()
}

function isFailing(fail: CredentialService['fail'], response: ServerResponse): boolean {
  if (fail === undefined) return false
  if (fail === 'hang') return true
  const { status, code = 'InternalFailure', message = 'no' } = fail
  response
    .writeHead(status, { 'content-type': 'text/xml' })
    .end(
      `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    )
  return true
}

function plain({ accessKey, secret, token = 'token', expiresInMs = 3_600_000 }: Given) {
  return {
    AccessKeyId: accessKey,
    SecretAccessKey: secret,
    Token: token,
    Expiration: new Date(Date.now() + expiresInMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  }
}

function stsAnswer(action: string, give: Given): string {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = plain(give)
  const credentials = `<Credentials><AccessKeyId>${AccessKeyId}</AccessKeyId><SecretAccessKey>${SecretAccessKey}</SecretAccessKey><SessionToken>${Token}</SessionToken><Expiration>${Expiration}</Expiration></Credentials>`
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${credentials}</${action}Result></${action}Response>`
}
