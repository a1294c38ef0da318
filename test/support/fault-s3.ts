import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { Fault, FaultRule } from './fault-s3-faults.ts'
import { Uploads } from './fault-s3-multipart.ts'
import { checkCondition, checkPut, operate, parseCall, type S3Call, storeObject } from './fault-s3-operations.ts'
import { problem, type Reply } from './fault-s3-reply.ts'
import { checkSignature, type FaultCredentials } from './fault-s3-signature.ts'
import { StoredObjects } from './fault-s3-store.ts'
import { cut, readBody, respond } from './fault-s3-transport.ts'

export interface FaultS3Options {
  /** Default `bucket`. Any other name is NoSuchBucket. */
  buckets?: readonly string[]
  versioned?: boolean
  region?: string
  /** By access key; default `test` with the secret `testtest1`. */
  credentials?: Record<string, FaultCredentials>
  /** The store's clock is ahead of this machine's by so much. */
  clockOffsetMs?: number
  tls?: TlsOptions
  port?: number
}

/** What the environment of a client must hold, and of AWS's variables nothing else, to be let in. */
export const faultS3Env: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'testtest1',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  // Whatever proxy this machine has: loopback is not its business.
  no_proxy: '127.0.0.1',
}

export interface LoggedRequest {
  operation: S3Call['operation']
  method: string
  bucket: string
  key: string
  headers: IncomingMessage['headers']
  /** Of the body, as far as it came. */
  bytes: number
  /** 0: none was sent (yet). */
  status: number
}

/** An S3 store in memory, on loopback, that fails as told. */
export interface FaultS3 {
  readonly port: number
  /** `http://127.0.0.1:<port>`, or https. */
  readonly endpoint: string
  /** The first bucket's. */
  readonly objects: StoredObjects
  bucket(name: string): StoredObjects
  /** In the order of their arrival. */
  readonly requests: LoggedRequest[]
  /** Accepted so far. */
  readonly connections: number
  /** The names on the certificates that clients showed, one for each connection. */
  readonly peers: string[]
  /** Adds a rule; what it gives back takes it away. */
  fault(rule: FaultRule): () => void
  /** Lets the `late` requests act that have not yet. Gives their number. */
  releaseLate(): number
  close(): Promise<void>
}

export async function startFaultS3(options: FaultS3Options = {}): Promise<FaultS3> {
  const running = new RunningFaultS3(options)
  await running.listen(options.port ?? 0)
  return running
}

class RunningFaultS3 implements FaultS3 {
  readonly requests: LoggedRequest[] = []
  connections = 0
  readonly peers: string[] = []
  readonly #options: FaultS3Options
  readonly #buckets: Map<string, StoredObjects>
  readonly #credentials: ReadonlyMap<string, FaultCredentials>
  readonly #uploads = new Uploads()
  readonly #rules: FaultRule[] = []
  readonly #late = new Set<() => void>()
  readonly #attempts = new Map<string, number>()
  readonly #closing = new AbortController()
  readonly #server: Server

  constructor(options: FaultS3Options) {
    this.#options = options
    const names = options.buckets ?? ['bucket']
    this.#buckets = new Map(names.map((name) => [name, new StoredObjects(options.versioned ?? false, this.#now)]))
    this.#credentials = new Map(Object.entries(options.credentials ?? { test: { secret: 'testtest1' } }))
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.#serve(request, response).catch((error: Error) => {
        if (!response.headersSent && response.socket?.writable) {
          respond(response, problem(500, 'FaultServerBug', error.stack))
        }
      })
    }
    this.#server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener)
    this.#server.on('connection', () => this.connections++)
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      const { subject } = socket.getPeerCertificate()
      if (subject?.CN !== undefined) this.peers.push(String(subject.CN))
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get endpoint(): string {
    return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`
  }

  get objects(): StoredObjects {
    return [...this.#buckets.values()][0]!
  }

  bucket(name: string): StoredObjects {
    return this.#buckets.get(name)!
  }

  fault(rule: FaultRule): () => void {
    this.#rules.push(rule)
    return () => this.#rules.splice(this.#rules.indexOf(rule), 1)
  }

  releaseLate(): number {
    const late = [...this.#late]
    for (const act of late) act()
    return late.length
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  readonly #now = (): number => Date.now() + (this.#options.clockOffsetMs ?? 0)

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const call = parseCall(method, url, headers)
    const { operation, bucket, key } = call
    const logged: LoggedRequest = { operation, method, bucket, key, headers, bytes: 0, status: 0 }
    this.requests.push(logged)
    response.once('finish', () => {
      logged.status = response.statusCode
    })
    const fault = this.#faultFor(call, method)
    const body = await readBody(request, logged, fault?.kind === 'cut-upload' ? fault.bytes : undefined)
    // The client went away, or was cut off: nothing was asked.
    if (body === undefined) return
    response.setHeader('date', new Date(this.#now()).toUTCString())
    if (fault?.kind === 'slow') await this.#sleep(fault.ms)
    if (fault?.kind === 'hang' || response.socket === null) return
    if (fault?.kind === 'lost' && fault.when === 'before') return cut(response)
    if (fault?.kind === 'late') return this.#actLate(call, body, response, fault.ms)
    const reply = fault?.kind === 'instead' ? fault.reply : await this.#act(call, request, body, fault)
    if (fault?.kind === 'lost') return cut(response)
    if (fault?.kind === 'cut-download') return respond(response, reply, fault.bytes)
    respond(response, fault?.kind === 'after' ? fault.reply : reply)
  }

  #faultFor({ operation, bucket, key, headers }: S3Call, method: string): Fault | undefined {
    const name = `${operation} ${bucket} ${key}`
    const attempt = (this.#attempts.get(name) ?? 0) + 1
    this.#attempts.set(name, attempt)
    const request = { operation, method, bucket, key, bytes: Number(headers['content-length'] ?? 0), attempt }
    for (const rule of this.#rules) {
      const fault = rule(request)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  async #act(call: S3Call, request: IncomingMessage, body: Buffer, fault: Fault | undefined): Promise<Reply> {
    const { method = '', url = '', headers } = request
    const region = this.#options.region ?? 'us-east-1'
    const wrong = checkSignature({ method, url, headers }, this.#credentials, region, this.#now())
    const objects = this.#buckets.get(call.bucket)
    const reply =
      wrong ??
      (objects === undefined
        ? problem(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: call.bucket })
        : await this.#operate(call, body, objects, fault))
    return fault?.kind === 'bare' && reply.status >= 300 ? { status: reply.status } : reply
  }

  async #operate(call: S3Call, body: Buffer, objects: StoredObjects, fault: Fault | undefined): Promise<Reply> {
    if (fault?.kind === 'ignore') {
      return operate(
        { ...call, headers: { ...call.headers, 'if-none-match': undefined } },
        body,
        objects,
        this.#uploads,
      )
    }
    if (fault?.kind === 'racy' && call.operation === 'PutObject') {
      const refused = checkPut(call, body) ?? checkCondition(call, objects)
      if (refused) return refused
      await this.#sleep(fault.ms)
      return storeObject(call, body, objects)
    }
    return operate(call, body, objects, this.#uploads)
  }

  #actLate(call: S3Call, body: Buffer, response: ServerResponse, ms: number | undefined): void {
    const act = (): void => {
      const objects = this.#buckets.get(call.bucket)
      if (this.#late.delete(act) && objects) operate(call, body, objects, this.#uploads)
    }
    this.#late.add(act)
    cut(response)
    if (ms !== undefined) this.#sleep(ms).then(act, () => {})
  }

  #sleep(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#closing.signal })
  }
}
