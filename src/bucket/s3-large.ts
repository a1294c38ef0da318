import { Readable } from 'node:stream'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { LogcaskError } from '../base/errors.ts'
import type { PutLargeOptions } from './bucket.ts'
import { type LargeBody, largeStepBytes, stretchesOf } from './large-body.ts'
import { type Outcome, oddAnswer, type S3Place } from './s3-request.ts'

/** S3's bound of one PUT. */
const onePutBytesMax = 5 * 1024 ** 3

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
  const source = Readable.from(stretchesOf(body, largeStepBytes, signal))
  // The SDK waits for the rest of a body that broke off, until the line counts as dead.
  const stop = new AbortController()
  source.on('error', (error) => stop.abort(error))
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  try {
    return await place.ask({ operation: 'PutObject', key }, either, async (client, options) => {
      const command = new PutObjectCommand({
        Bucket: place.bucket,
        Key: key,
        Body: source,
        ContentLength: body.size,
        IfNoneMatch: '*',
        ChecksumSHA256: Buffer.from(body.sha256, 'hex').toString('base64'),
        Metadata: metadata,
      })
      const { ETag } = await client.send(command, options)
      if (ETag === undefined) throw oddAnswer(place, 'PutObject')
    })
  } finally {
    source.destroy()
  }
}
