import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createMemoryBucket } from '../../src/bucket/memory.ts'
import { type ApiParts, apiRoutes } from '../../src/server/api.ts'
import { ServerLoad } from '../../src/server/load.ts'
import { withOwnRoutes } from '../../src/server/own-routes.ts'
import type { Route } from '../../src/server/route.ts'
import { type HttpOptions, type HttpServer, type Refused, serveHttp } from '../../src/server/serve-http.ts'

export interface ServedApi {
  bucket: Bucket
  server: HttpServer
  routes: Route[]
  load: ServerLoad
  port: number
  refused: Refused[]
  bugs: unknown[]
}

/** The API over a bucket in memory, on a free port of this machine, closed at the test's end. */
export async function serveApi(
  options: Partial<HttpOptions> &
    Partial<Pick<ApiParts, 'bucket' | 'openPublished' | 'clock' | 'verify' | 'listedMax'>> = {},
): Promise<ServedApi> {
  const { clock = systemClock, openPublished, verify, listedMax, bucket = createMemoryBucket(clock), ...http } = options
  const stop = new AbortController()
  const load = new ServerLoad()
  const api = apiRoutes({
    bucket,
    clock,
    signal: stop.signal,
    load,
    maxAgeMs: 0,
    openPublished,
    verify,
    ...(listedMax ? { listedMax } : {}),
  })
  const routes = withOwnRoutes(api, {
    version: '0.0.0',
    metrics: () => 'a 1\n',
    sick: () => undefined,
    isReady: () => true,
  })
  const refused: Refused[] = []
  const bugs: unknown[] = []
  const server = await serveHttp({
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    rules: { tokens: [], clients: [] },
    routes,
    load,
    onRefused: (one) => refused.push(one),
    onBug: (error) => bugs.push(error),
    ...http,
  })
  onTestFinished(async () => {
    stop.abort()
    await server.close()
  })
  if (server.address.kind === 'unix') throw new TypeError('by TCP')
  return { bucket, server, routes, load, port: server.address.port, refused, bugs }
}

/** Whatever JSON.parse gives. */
export type Json = ReturnType<typeof JSON.parse>

export interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
  json: () => Json
}

/** One request, on a connection of its own. */
export function ask(
  { port }: Pick<ServedApi, 'port'>,
  path: string,
  options: { method?: string; headers?: Record<string, string>; tls?: object } = {},
): Promise<Reply> {
  const { method = 'GET', headers = {}, tls } = options
  return new Promise((resolve, reject) => {
    const start = tls ? tlsRequest : plainRequest
    const request = start({ host: '127.0.0.1', port, path, method, headers, agent: false, ...tls }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const body = Buffer.concat(parts)
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body, json: () => JSON.parse(body.toString()) })
      })
    })
    request.on('error', reject)
    request.end()
  })
}
