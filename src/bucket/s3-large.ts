import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Clock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { backoffMs, retryUnknown } from '../base/retry.ts'
import type { PutLargeOptions, PutResult } from './bucket.ts'
import { type LargeBody, largeStepBytes, stretchesOf } from './large-body.ts'
import { type Outcome, outputOf, type S3Place } from './s3-request.ts'

/** S3's bounds: the least of a part but the last, how many there may be, and what one PUT may hold. */
const partBytesMin = 8 * largeStepBytes
const partsMax = 10_000
const onePutBytesMax = 5 * 1024 ** 3
/** A part that fails so often is an outage: the upload is given up, and begins anew when it is over. */
const attemptsMax = 6

type Where = { place: S3Place; key: string; signal: AbortSignal | undefined; clock: Clock }

/**
 * Parts, and a completion that is refused where the key is taken. `describe` says whether an object is there: an upload
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
  const where = { place, key, signal, clock }
  const { UploadId: id } = outputOf(
    await repeated(where, () =>
      place.ask({ operation: 'CreateMultipartUpload', key }, signal, (client, options) =>
        client.send(new CreateMultipartUploadCommand({ Bucket: place.bucket, Key: key, Metadata: metadata }), options),
      ),
    ),
  )
  if (id === undefined) throw odd(place, 'CreateMultipartUpload')
  let isOver = false
  try {
    const parts = await uploadParts(where, id, body)
    const outcome = await complete(where, id, parts)
    isOver = outcome.meaning === 'acked'
    if (isOver) return 'created'
    if (outcome.meaning === 'conflict') return 'exists'
    if (await isThere()) return 'exists'
    throw outcome.meaning === 'acked' ? odd(place, 'CompleteMultipartUpload') : outcome.error
  } finally {
    if (!isOver) await abandon(where, id)
  }
}

async function uploadParts(where: Where, id: string, body: LargeBody): Promise<{ PartNumber: number; ETag: string }[]> {
  const { place, key, signal } = where
  const parts: { PartNumber: number; ETag: string }[] = []
  for await (const bytes of stretchesOf(body, partBytesOf(body.size), signal)) {
    const number = parts.length + 1
    const { ETag } = outputOf(
      await repeated(where, () =>
        place.ask({ operation: 'UploadPart', key }, signal, (client, options) =>
          client.send(
            // A body in memory is signed by its hash, so that the store checks it.
            new UploadPartCommand({ Bucket: place.bucket, Key: key, UploadId: id, PartNumber: number, Body: bytes }),
            options,
          ),
        ),
      ),
    )
    if (ETag === undefined) throw odd(place, 'UploadPart')
    parts.push({ PartNumber: number, ETag })
  }
  return parts
}

function partBytesOf(size: number): number {
  return Math.max(partBytesMin, Math.ceil(size / partsMax / largeStepBytes) * largeStepBytes)
}

function complete(where: Where, id: string, parts: { PartNumber: number; ETag: string }[]): Promise<Outcome<unknown>> {
  const { place, key, signal } = where
  return repeated(where, () =>
    place.ask({ operation: 'CompleteMultipartUpload', key }, signal, (client, options) =>
      client.send(
        new CompleteMultipartUploadCommand({
          Bucket: place.bucket,
          Key: key,
          UploadId: id,
          MultipartUpload: { Parts: parts },
          IfNoneMatch: '*',
        }),
        options,
      ),
    ),
  )
}

/** Parts that nobody completes are stored, and paid for, until they are given up. A bucket's lifecycle rule does the rest. */
async function abandon({ place, key }: Where, id: string): Promise<void> {
  await place
    .ask({ operation: 'AbortMultipartUpload', key }, undefined, (client, options) =>
      client.send(new AbortMultipartUploadCommand({ Bucket: place.bucket, Key: key, UploadId: id }), options),
    )
    .catch(() => {})
}

/** After these there is no upload any more: it was completed (and its answer lost), or has to be begun anew. */
const endsUpload: ReadonlySet<string> = new Set(['NoSuchUpload', 'ConditionalRequestConflict'])

/** What is unknown is asked again here, some times: gigabytes that have arrived are not sent again for one lost answer. */
async function repeated<T>({ signal, clock }: Where, ask: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  for (let attempt = 0; ; attempt++) {
    const outcome = await ask()
    const isOver = outcome.meaning !== 'unknown' || endsUpload.has(outcome.answer.code ?? '')
    if (isOver || attempt + 1 >= attemptsMax) return outcome
    await clock.sleep(backoffMs(retryUnknown, attempt, clock), signal)
  }
}

/** For stores that complete uploads over what is there: one PUT, read from the file while it is sent. */
export async function putAsOne(
  place: S3Place,
  key: string,
  body: LargeBody,
  { metadata, signal }: PutLargeOptions,
): Promise<Outcome<void>> {
  if (body.size > onePutBytesMax) {
    throw new LogcaskError('invalid', `${place.url}: ${key}: has ${body.size} bytes, and one PUT takes 5 GiB at most`, {
      hint: 'this store overwrites when an upload in parts is completed: use one that does not, or smaller files',
    })
  }
  let broken: unknown
  const source = Readable.from(stretchesOf(body, largeStepBytes, signal))
  source.on('error', (error) => {
    broken = error
  })
  try {
    return await place.ask({ operation: 'PutObject', key }, signal, async (client, options) => {
      const command = new PutObjectCommand({
        Bucket: place.bucket,
        Key: key,
        Body: source,
        ContentLength: body.size,
        IfNoneMatch: '*',
        ChecksumSHA256: Buffer.from(body.sha256, 'hex').toString('base64'),
        Metadata: metadata,
      })
      const { ETag } = await client.send(command, options).catch((error) => {
        throw broken instanceof LogcaskError ? broken : error
      })
      if (ETag === undefined) throw odd(place, 'PutObject')
    })
  } finally {
    source.destroy()
  }
}

function odd(place: S3Place, operation: string): LogcaskError {
  return new LogcaskError('unavailable', `${place.url}: ${operation} was answered with success, but not as S3 does`, {
    hint: 'check endpoint:: something answers that is no S3 store',
  })
}
