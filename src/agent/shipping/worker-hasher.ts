import { Worker } from 'node:worker_threads'
import { sha256 } from '../../base/hash.ts'
import { type ContinuedHash, type Hasher, LocalHash, localHasher } from './hasher.ts'

/** A message to the worker costs more than hashing so much. */
const workerFrom = 64 * 1024

/**
 * Hashes on a second core: a byte is hashed twice (for its segment and for the seal), which on one core is half of all
 * that shipping a backlog costs. A content is hashed where it began: a small file here, a large one in the worker, which
 * begins with the first of them and takes 20 MB.
 */
export function createWorkerHasher(): Hasher {
  let lane: Lane | undefined
  return {
    allocate: (length) => new Uint8Array(new SharedArrayBuffer(length)),
    begin(firstLength) {
      if (firstLength < workerFrom) return localHasher.begin(firstLength)
      lane ??= new Lane()
      return lane.begin()
    },
    hash(bytes, next, done) {
      if (next instanceof LaneHash) return next.lane.hash(bytes, next.content, done)
      if (next instanceof LocalHash || bytes.byteLength < workerFrom) return localHasher.hash(bytes, next, done)
      lane ??= new Lane()
      return lane.hash(bytes, undefined, done)
    },
    close: () => lane?.close(),
  }
}

type Request =
  | { kind: 'hash'; id: number; bytes: Uint8Array; content: number | undefined }
  | { kind: 'digest'; id: number; content: number }
  | { kind: 'forget'; content: number }
type Reply = { id: number; digest: string } | { id: number; isDone: true }

interface Asked {
  bytes: Uint8Array
  resolve: (digest: string) => void
  done: () => void
}

class LaneHash implements ContinuedHash {
  readonly lane: Lane
  readonly content: number

  constructor(lane: Lane, content: number) {
    this.lane = lane
    this.content = content
  }

  digest(): Promise<string | undefined> {
    return this.lane.digest(this.content)
  }
}

/** One worker; where it cannot be had (or fails) segments are hashed here, and its contents are lost. */
class Lane {
  readonly #worker: Worker
  readonly #hashes = new Map<number, Asked>()
  readonly #digests = new Map<number, (digest: string | undefined) => void>()
  readonly #done = new Map<number, () => void>()
  readonly #forgotten = new FinalizationRegistry<number>((content) => this.#post({ kind: 'forget', content }))
  #last = 0
  #isBroken = false

  constructor() {
    this.#worker = new Worker(`(${work.toString()})()`, {
      eval: true,
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32, stackSizeMb: 1 },
    })
    this.#worker.on('message', (reply: Reply) => this.#answered(reply))
    this.#worker.on('error', () => this.#fail())
    this.#worker.on('exit', () => this.#fail())
    this.#worker.unref()
  }

  begin(): LaneHash {
    const hash = new LaneHash(this, ++this.#last)
    this.#forgotten.register(hash, hash.content)
    return hash
  }

  hash(bytes: Uint8Array, content: number | undefined, done: () => void): Promise<string> {
    if (this.#isBroken) return localHasher.hash(bytes, undefined, done)
    return new Promise((resolve) => {
      const id = ++this.#last
      this.#hashes.set(id, { bytes, resolve, done })
      this.#post({ kind: 'hash', id, bytes, content })
    })
  }

  digest(content: number): Promise<string | undefined> {
    if (this.#isBroken) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const id = ++this.#last
      this.#digests.set(id, resolve)
      this.#post({ kind: 'digest', id, content })
    })
  }

  close(): void {
    void this.#worker.terminate()
    this.#fail()
  }

  #post(request: Request): void {
    if (this.#isBroken) return
    // While somebody waits, the process must not end for want of anything else to do.
    if (request.kind !== 'forget') this.#worker.ref()
    this.#worker.postMessage(request)
  }

  #answered(reply: Reply): void {
    const { id } = reply
    if ('isDone' in reply) {
      this.#done.get(id)?.()
      this.#done.delete(id)
      return
    }
    const asked = this.#hashes.get(id)
    if (asked) this.#done.set(id, asked.done)
    ;(asked ?? { resolve: this.#digests.get(id) }).resolve?.(reply.digest)
    this.#hashes.delete(id)
    this.#digests.delete(id)
    if (this.#hashes.size + this.#digests.size === 0) this.#worker.unref()
  }

  #fail(): void {
    if (this.#isBroken) return
    this.#isBroken = true
    for (const { bytes, resolve, done } of this.#hashes.values()) {
      resolve(sha256(bytes))
      done()
    }
    for (const resolve of this.#digests.values()) resolve(undefined)
    for (const done of this.#done.values()) done()
    this.#hashes.clear()
    this.#digests.clear()
    this.#done.clear()
  }
}

/** Runs in the worker, from its own text: it must name nothing outside itself. */
function work(): void {
  const { parentPort } = process.getBuiltinModule('node:worker_threads')
  const { createHash, hash } = process.getBuiltinModule('node:crypto')
  const contents = new Map<number, ReturnType<typeof createHash>>()
  const contentOf = (id: number): ReturnType<typeof createHash> => {
    const content = contents.get(id) ?? createHash('sha256')
    contents.set(id, content)
    return content
  }
  parentPort?.on('message', (request: Request) => {
    if (request.kind === 'hash') {
      const { id, bytes, content } = request
      // The PUT waits for the first, nobody for the second.
      parentPort.postMessage({ id, digest: hash('sha256', bytes, 'hex') })
      if (content !== undefined) contentOf(content).update(bytes)
      parentPort.postMessage({ id, isDone: true })
    } else if (request.kind === 'digest') {
      const digest = contentOf(request.content).copy().digest('hex')
      parentPort.postMessage({ id: request.id, digest })
    } else contents.delete(request.content)
  })
}
