import type { Bucket } from '../../../src/bucket/bucket.ts'

/** How each sender writes a key into its message: facts/s3.md, section 6. */
export const keyForms = {
  aws: (key: string) => encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+'),
  localstack: (key: string) => encodeURIComponent(key).replaceAll('%2F', '/'),
  moto: (key: string) => encodeURIComponent(key).replaceAll('%20', '+'),
  raw: (key: string) => key,
} as const

export const bucketName = 'acme-logs'

/** As S3 writes it. */
export function notification(
  key: string,
  size = 1,
  { name = 'ObjectCreated:Put', bucket = bucketName }: { name?: string; bucket?: string } = {},
): string {
  const object = { key, size, eTag: '0123456789abcdef0123456789abcdef', sequencer: '0055AED6DCD90281E5' }
  const s3 = { s3SchemaVersion: '1.0', configurationId: 'logcask', bucket: { name: bucket }, object }
  return JSON.stringify({ Records: [{ eventVersion: '2.1', eventSource: 'aws:s3', eventName: name, s3 }] })
}

export function testEvent(): string {
  const time = '2026-11-20T10:15:00.000Z'
  return JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Time: time, Bucket: bucketName })
}

/** By EventBridge: the key as it is. */
export function eventBridge(key: string, size = 1, type = 'Object Created'): string {
  const detail = { version: '0', bucket: { name: bucketName }, object: { key, size }, reason: 'PutObject' }
  return JSON.stringify({ version: '0', 'detail-type': type, source: 'aws.s3', account: '123456789012', detail })
}

/** In an envelope of SNS. */
export function bySns(message: string): string {
  const TopicArn = 'arn:aws:sns:eu-central-1:123456789012:logs'
  return JSON.stringify({ Type: 'Notification', MessageId: 'm-1', TopicArn, Message: message })
}

/** A bucket whose every new object is spoken of. */
export function notifyingBucket(bucket: Bucket, send: (body: string) => void, form = keyForms.aws): Bucket {
  return {
    ...bucket,
    async put(key, body, options) {
      const result = await bucket.put(key, body, options)
      if (result === 'created') send(notification(form(key), body.byteLength))
      return result
    },
  }
}
