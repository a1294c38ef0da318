import { createHash } from 'node:crypto'
import {
  createServer,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultKind, FaultPlan, RequestKind } from './fault-plan.ts'
import { hasFaultReply, writeFaultReply } from './proxy-reply.ts'

/** A request as it came, whole. */
export interface ProxiedRequest {
  method: string
  /** Path and query, encoded. */
  url: string
  /** Names and values in turn, as they came. */
  headers: string[]
  body: Buffer
}

interface ProxiedAnswer {
  status: number
  headers: string[]
  body: Buffer
}

export interface ProxySettings {
  /** `http://host:port` or https. */
  upstream: string
  ca: Buffer | undefined
  plan: FaultPlan
  /** Puts the store's own name and a signature for it into the request; undefined: it is passed on as it was signed. */
  sign?: ((request: ProxiedRequest) => Promise<string[]>) | undefined
  /** The store has said 2xx to a PUT. */
  onStored(path: string, facts: { size: number; sha256: string; tag: string | undefined }): void
}

/** Stands between the product and its store, and misbehaves as networks and stores do. */
export class FaultProxy {
  readonly requests = new Map<RequestKind, number>()
  readonly faults = new Map<FaultKind, number>()
  /** PUTs that reached the store when their sender had long given up, and what it answered. */
  readonly lateAnswers = new Map<number, number>()
  readonly #settings: ProxySettings
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  readonly #agent: HttpAgent | HttpsAgent
  readonly #late = new Set<() => void>()
  readonly #underWay = new Set<Promise<void>>()
  #isCalm = false

  constructor(settings: ProxySettings) {
    this.#settings = settings
    const connections = { keepAlive: true, maxSockets: 128 }
    this.#agent = settings.upstream.startsWith('https:')
      ? new HttpsAgent({ ...connections, ...(settings.ca && { ca: settings.ca }) })
      : new HttpAgent(connections)
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve)
    })
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get lateCount(): number {
    return this.#late.size
  }

  /** No faults from now on. Late requests are still to come. */
  calm(): void {
    this.#isCalm = true
  }

  /** Lets this many of the late requests act now; resolves when the store has answered all of them. */
  async release(count = this.#late.size): Promise<void> {
    for (const act of [...this.#late].slice(0, count)) act()
    await Promise.all([...this.#underWay])
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
    this.#agent.destroy()
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {})
    const body = await collect(incoming).catch(() => undefined)
    // Its sender died in the middle of it.
    if (body === undefined) return
    const request = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.rawHeaders, body }
    const kind = kindOf(request)
    count(this.requests, kind)
    const fault = this.#isCalm ? undefined : this.#settings.plan.next(kind)
    if (fault !== undefined) count(this.faults, fault)
    try {
      await this.#act(request, response, fault)
    } catch {
      // The store itself does not answer: so do we not.
      response.destroy()
    }
  }

  async #act(request: ProxiedRequest, response: ServerResponse, fault: FaultKind | undefined): Promise<void> {
    const { plan } = this.#settings
    if (fault === 'throttled') return writeFaultReply(response, request.method, fault)
    if (fault === 'request-lost') return void response.destroy()
    if (fault === 'hang') return
    if (fault === 'late') {
      this.#sendLater(request, plan.lateMs())
      return void response.destroy()
    }
    if (fault === 'cut-upload') {
      await this.#sendHalf(request)
      return void response.destroy()
    }
    if (fault === 'slow') await sleep(plan.slowMs())
    if (fault === 'again') this.#sendLater(request, plan.lateMs())
    const answer = await this.#send(request)
    if (fault === 'answer-lost') return void response.destroy()
    if (fault !== undefined && hasFaultReply(fault)) return writeFaultReply(response, request.method, fault)
    response.writeHead(answer.status, answer.headers)
    if (fault !== 'cut-answer' || answer.body.byteLength < 2) return void response.end(answer.body)
    response.write(answer.body.subarray(0, answer.body.byteLength >> 1), () => response.destroy())
  }

  #sendLater(request: ProxiedRequest, afterMs: number): void {
    const act = (): void => {
      if (!this.#late.delete(act)) return
      clearTimeout(timer)
      const sending = this.#send(request).then(
        ({ status }) => count(this.lateAnswers, status),
        () => {},
      )
      this.#underWay.add(sending)
      sending.finally(() => this.#underWay.delete(sending))
    }
    const timer = setTimeout(act, afterMs)
    this.#late.add(act)
  }

  async #send(request: ProxiedRequest): Promise<ProxiedAnswer> {
    const outgoing = await this.#open(request)
    return new Promise((resolve, reject) => {
      outgoing.once('error', reject)
      outgoing.once('response', (incoming: IncomingMessage) => {
        collect(incoming).then((body) => {
          const status = incoming.statusCode ?? 502
          this.#note(request, status, incoming.headers.etag)
          resolve({ status, headers: endToEnd(incoming.rawHeaders, request.method, body), body })
        }, reject)
      })
      outgoing.end(request.body)
    })
  }

  /** What a client does that dies in the middle of a PUT. */
  async #sendHalf(request: ProxiedRequest): Promise<void> {
    const outgoing = await this.#open(request)
    await new Promise<void>((resolve) => {
      outgoing.on('error', () => resolve())
      // A store that answers at once has had enough.
      outgoing.once('response', (incoming: IncomingMessage) => incoming.resume())
      outgoing.write(request.body.subarray(0, request.body.byteLength >> 1), () => {
        setTimeout(() => {
          outgoing.destroy()
          resolve()
        }, 50)
      })
    })
  }

  async #open(request: ProxiedRequest) {
    const { upstream, sign } = this.#settings
    const headers = sign ? await sign(request) : request.headers
    const { protocol, hostname, port } = new URL(upstream)
    const send = protocol === 'https:' ? httpsRequest : httpRequest
    const place = { hostname: hostname.replace(/^\[|\]$/g, ''), ...(port === '' ? {} : { port: Number(port) }) }
    return send({ ...place, agent: this.#agent, method: request.method, path: request.url, headers, timeout: 120_000 })
  }

  #note({ method, url, body }: ProxiedRequest, status: number, tag: string | undefined): void {
    if (method !== 'PUT' || status < 200 || status > 299) return
    const path = decodeURIComponent(url.split('?', 1)[0] ?? '')
    this.#settings.onStored(path, {
      size: body.byteLength,
      sha256: createHash('sha256').update(body).digest('hex'),
      tag,
    })
  }
}

function kindOf({ method, url }: ProxiedRequest): RequestKind {
  if (method === 'PUT') return 'PUT'
  if (method !== 'GET') return 'other'
  return /[?&](?:list-type=|versions\b|prefix=)/.test(url) ? 'LIST' : 'GET'
}

async function collect(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The answer was collected whole: its framing is ours. Answers to HEAD keep the length of what they do not carry. */
function endToEnd(rawHeaders: readonly string[], method: string, body: Buffer): string[] {
  const headers: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
    const isFraming = /^(?:connection|keep-alive|transfer-encoding)$/i.test(name)
    if (!isFraming && (method === 'HEAD' || !/^content-length$/i.test(name))) headers.push(name, value)
  }
  return method === 'HEAD' ? headers : [...headers, 'content-length', String(body.byteLength)]
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
