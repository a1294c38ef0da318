import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { LogcaskError, messageOf } from '../../base/errors.ts'
import { nodeHttp } from '../../base/http.ts'
import { isLoopback } from '../../base/listen-address.ts'
import { textForPeople } from '../../base/path-bytes.ts'
import { type CommandInput, textOf, usageError } from '../command.ts'

/** Whether a URL names a server (logcask serve), and no bucket. */
export function isServerUrl(url: string): boolean {
  return /^https?:\/\//i.test(url)
}

/** What a server says is no larger: its pages are bounded. */
const answerBytesMax = 64 * 1024 * 1024
/** A server that says nothing for so long is gone; one that is followed gives a sign of life each 15 s. */
const silentMs = 60_000

export interface ServerClient {
  readonly url: string
  /** An answer as JSON. Rejects `invalid` where the server knows no such thing, `refused`, `unavailable`. */
  json(path: string): Promise<unknown>
  /** An answer whose body is still to be read; statuses of 400 and more reject as `json` does. */
  open(path: string, headers?: Readonly<Record<string, string>>): Promise<IncomingMessage>
}

/** Asks as who has LOGCASK_TOKEN, or the client certificate of --cert and --key. The token never goes unencrypted to another machine. */
export async function createServerClient({ values, env, signal }: CommandInput, url: string): Promise<ServerClient> {
  const base = parseServerUrl(url)
  const isTls = base.protocol === 'https:'
  const token = env.LOGCASK_TOKEN
  // A header would not take it; its text is in no message.
  if (token !== undefined && /[^\x21-\x7e]/.test(token))
    throw usageError(
      'LOGCASK_TOKEN: holds a character that no token has (a line end, a space, …)',
      'set it to what logcask serve --new-token printed',
    )
  if (!isTls && token !== undefined && !isLoopback(base.hostname.replace(/^\[|\]$/g, ''))) {
    throw usageError(
      `${base.origin}: the token of LOGCASK_TOKEN would go there unencrypted`,
      'write https://, or unset it',
    )
  }
  const file = async (name: string): Promise<Buffer | undefined> => {
    const path = textOf(values, name)
    return path === undefined ? undefined : readFile(path)
  }
  const [ca, cert, key] = await Promise.all(['ca', 'cert', 'key'].map(file))
  const open = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = (isTls ? tlsRequest : nodeHttp().request)(new URL(path, base), {
        agent: false,
        signal,
        timeout: silentMs,
        headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        ...(isTls ? { ca, cert, key } : {}),
      })
      request.on('timeout', () => request.destroy(new Error('says nothing any more')))
      request.on('error', (error) => reject(signal.aborted ? signal.reason : unreachable(base, error)))
      request.on('response', resolve)
      request.end()
    })
  const checked = async (path: string, headers?: Readonly<Record<string, string>>): Promise<IncomingMessage> => {
    const response = await open(path, headers)
    if ((response.statusCode ?? 500) >= 400) throw await refusal(base, response)
    return response
  }
  return {
    url: base.origin,
    open: checked,
    json: async (path) => parseJson(base, await bodyOf(base, await checked(path))),
  }
}

function parseServerUrl(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined
  if (base === undefined || base.pathname !== '/' || base.search !== '' || base.username !== '')
    throw usageError(`${url}: is no server's address`, 'write it as https://logs.example:8470')
  return base
}

/** Bytes of a body; what ends before its announced length rejects with `unavailable`. */
export async function* piecesOf(server: Pick<ServerClient, 'url'>, response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const piece of response) yield piece
  } catch (error) {
    throw unreachable(new URL(server.url), error)
  }
}

async function bodyOf(base: URL, response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const piece of piecesOf({ url: base.origin }, response)) {
    length += piece.byteLength
    if (length > answerBytesMax)
      throw new LogcaskError('corrupt', `${base.origin}: its answer does not end`, { hint: notOurs })
    parts.push(piece)
  }
  return Buffer.concat(parts).toString()
}

const notOurs = 'check that logcask serve is what listens there'

function parseJson(base: URL, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new LogcaskError('corrupt', `${base.origin}: its answer is no JSON`, { hint: notOurs, cause })
  }
}

function unreachable(base: URL, cause: unknown): LogcaskError {
  return new LogcaskError('unavailable', `${base.origin}: ${messageOf(cause)}`, {
    hint: 'check the address, and whether the server runs; --ca FILE trusts its authority',
    cause,
  })
}

const hints: Readonly<Record<number, string>> = {
  401: 'set LOGCASK_TOKEN to a token that the server knows, or give --cert and --key',
  403: 'ask whoever runs the server for a token that may read it',
  404: 'logcask ls lists what there is',
}

async function refusal(base: URL, response: IncomingMessage): Promise<LogcaskError> {
  const status = response.statusCode ?? 0
  const text = await bodyOf(base, response)
  const { title, detail, hint } = problemIn(text)
  const message = `${base.origin}: ${status} ${textForPeople(detail ?? title ?? '')}`.trimEnd()
  const code =
    status === 503 || status === 500 ? 'unavailable' : status === 400 || status === 404 ? 'invalid' : 'refused'
  return new LogcaskError(code, message, { hint: hints[status] ?? hint ?? notOurs })
}

function problemIn(text: string): { title?: string; detail?: string; hint?: string } {
  try {
    const value: unknown = JSON.parse(text)
    const fields = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return Object.fromEntries(fields.filter(([, one]) => typeof one === 'string'))
  } catch {
    // No server of ours; its status says all that can be told.
    return {}
  }
}
