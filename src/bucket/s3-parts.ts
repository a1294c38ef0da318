import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandOutput,
  type S3Client,
  UploadPartCommand,
  type UploadPartCommandOutput,
} from '@aws-sdk/client-s3'
import type { Clock } from '../base/clock.ts'
import { backoffMs, retryUnknown } from '../base/retry.ts'
import type { PutLargeOptions, PutResult } from './bucket.ts'
import { type LargeBody, largeStepBytes, partBytesOf } from './large-body.ts'
import { type Outcome, oddAnswer, outputOf, type S3Place } from './s3-request.ts'

/** A part that fails so often is an outage: the upload is given up, and begins anew when it is over. */
const attemptsMax = 6

type Where = { place: S3Place; key: string; signal: AbortSignal | undefined; clock: Clock }
type Command =
  | CreateMultipartUploadCommand
  | UploadPartCommand
  | CompleteMultipartUploadCommand
  | AbortMultipartUploadCommand

/**
 * Parts, and a completion that is refused where the key is taken. `isThere` says whether an object is there: an upload
 * whose last answer was lost is not there any more when it is completed again, whatever became of it.
 */
export async function putInParts(
  place: S3Place,
  key: string,
  body: LargeBody,
  { metadata, signal }: PutLargeOptions,
  clock: Clock,
  isThere: () => Promise<boolean>,
): Promise<PutResult> {
  const where: Where = { place, key, signal, clock }
  let completion: Outcome<unknown> | undefined
  const send = async (command: Command): Promise<unknown> => {
    if (command instanceof AbortMultipartUploadCommand) return abandon(where, command)
    const outcome = await repeated(where, command)
    if (command instanceof CompleteMultipartUploadCommand) completion = outcome
    return checked(place, command, outputOf(outcome))
  }
  // Create, parts and completion get them all, and each takes what is its own.
  const params = { Bucket: place.bucket, Key: key, Metadata: metadata, IfNoneMatch: '*' }
  try {
    await (body.size > partBytesOf(body.size) ? sendParts(send, body, params, signal) : sendOnePart(send, body, params))
    return 'created'
  } catch (error) {
    if (completion === undefined || completion.meaning === 'acked') throw error
    if (completion.meaning === 'conflict' || (await isThere())) return 'exists'
    throw error
  }
}

type Params = Omit<CompleteMultipartUploadCommandInput, 'UploadId'>
type Send = (command: Command) => Promise<unknown>

/**
 * By the SDK's own uploader, which is loaded when the first large body is sent: most agents never send one. It is given no
 * bytes, only where they are, and each part is read when its turn to be sent comes: of a stream the uploader would copy
 * every byte into memory that is new for each part, and to collect that again and again costs more than to send it.
 */
async function sendParts(send: Send, body: LargeBody, params: Params, signal: AbortSignal | undefined): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage')
  const partSize = partBytesOf(body.size)
  const memory = Buffer.allocUnsafeSlow(partSize)
  const sendPart = async (command: Command): Promise<unknown> => {
    const { input } = command as UploadPartCommand
    if (input.Body instanceof Stretch) input.Body = await readStretch(body, input.Body, memory, signal)
    return send(command)
  }
  await new Upload({
    client: { send: sendPart, config: uploadConfig } as unknown as S3Client,
    params: { ...params, Body: new Stretch(0, body.size), ContentLength: body.size },
    partSize,
    // One part in memory at a time. `signal` ends requests and reading: Upload's own abort would not wait for either.
    queueSize: 1,
  }).done()
}

/** Stands for bytes [start, end) of a body. Of an array in memory Upload asks no more than how long it is, and for parts. */
class Stretch extends Uint8Array<ArrayBuffer> {
  readonly start: number
  readonly end: number

  constructor(start: number, end: number) {
    super(new ArrayBuffer(0))
    this.start = start
    this.end = end
    Object.defineProperty(this, 'byteLength', { value: end - start })
  }

  override subarray(from = 0, to = this.byteLength): Stretch {
    return new Stretch(this.start + from, Math.min(this.end, this.start + to))
  }
}

async function readStretch(
  body: LargeBody,
  { start, end }: Stretch,
  memory: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  for (let at = start; at < end; at += largeStepBytes) {
    signal?.throwIfAborted()
    const until = Math.min(end, at + largeStepBytes)
    const into = memory.subarray(at - start, until - start)
    const bytes = await body.read(at, until, into)
    if (bytes !== into) into.set(bytes)
  }
  return memory.subarray(0, end - start)
}

/** All that Upload looks at; parts are signed by their hash, so that the store checks them. */
const uploadConfig = { requestChecksumCalculation: async () => 'WHEN_REQUIRED', requestHandler: {} }

/** What Upload does with one PUT: the probe has to see a completion, without megabytes to send. */
async function sendOnePart(send: Send, body: LargeBody, params: Params): Promise<void> {
  const { UploadId } = (await send(new CreateMultipartUploadCommand(params))) as CreateMultipartUploadCommandOutput
  try {
    const Body = await body.read(0, body.size)
    const part = { ...params, UploadId, PartNumber: 1 }
    const { ETag } = (await send(new UploadPartCommand({ ...part, Body }))) as UploadPartCommandOutput
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await send(new CompleteMultipartUploadCommand({ ...params, UploadId, MultipartUpload }))
  } catch (error) {
    await send(new AbortMultipartUploadCommand({ ...params, UploadId }))
    throw error
  }
}

/** After these there is no upload any more: it was completed (and its answer lost), or has to be begun anew. */
const endsUpload: ReadonlySet<string> = new Set(['NoSuchUpload', 'ConditionalRequestConflict'])

/** What is unknown is asked again here, some times: gigabytes that have arrived are not sent again for one lost answer. */
async function repeated(where: Where, command: Command): Promise<Outcome<unknown>> {
  const { signal, clock } = where
  for (let attempt = 0; ; attempt++) {
    const outcome = await ask(where, command, signal)
    const isOver = outcome.meaning !== 'unknown' || endsUpload.has(outcome.answer.code ?? '')
    if (isOver || attempt + 1 >= attemptsMax) return outcome
    await clock.sleep(backoffMs(retryUnknown, attempt, clock), signal)
  }
}

/** Parts that nobody completes are stored, and paid for, until they are given up. A bucket's lifecycle rule does the rest. */
async function abandon(where: Where, command: Command): Promise<void> {
  await ask(where, command, undefined).catch(() => {})
}

function ask({ place, key }: Where, command: Command, signal: AbortSignal | undefined): Promise<Outcome<unknown>> {
  return place.ask({ operation: operationOf(command), key }, signal, (client, options) =>
    client.send(command as UploadPartCommand, options),
  )
}

function operationOf(command: Command): string {
  if (command instanceof CreateMultipartUploadCommand) return 'CreateMultipartUpload'
  if (command instanceof UploadPartCommand) return 'UploadPart'
  return command instanceof CompleteMultipartUploadCommand ? 'CompleteMultipartUpload' : 'AbortMultipartUpload'
}

/** Without these two nothing can go on; what a completion answers besides its status, some stores leave out. */
function checked(place: S3Place, command: Command, output: unknown): unknown {
  const { UploadId, ETag } = output as { UploadId?: string; ETag?: string }
  if (command instanceof CreateMultipartUploadCommand && UploadId === undefined) {
    throw oddAnswer(place, 'CreateMultipartUpload')
  }
  if (command instanceof UploadPartCommand && ETag === undefined) throw oddAnswer(place, 'UploadPart')
  return output
}
