import { PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3'
import { CreateQueueCommand, DeleteQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type BareStore, bareStore, store, storeEnv } from './store.ts'

/** A bucket that notifies a queue of what is created in it. */
export interface NotifyingStore extends BareStore {
  queueUrl: string
  /** What is neither received nor hidden, and what is hidden. */
  messages(): Promise<{ waiting: number; hidden: number }>
  /** Afterwards `make` makes another one of that name, and lets the bucket notify it. */
  removeQueue(): Promise<void>
  make(): Promise<void>
}

export async function notifyingStore(): Promise<NotifyingStore> {
  const bucket = await bareStore()
  const sqs = new SQSClient({
    endpoint: store.endpoint,
    region: storeEnv.AWS_REGION ?? '',
    useQueueUrlAsEndpoint: false,
    credentials: { accessKeyId: store.accessKey, secretAccessKey: store.secretKey },
  })
  const queueUrl = `${store.endpoint}/000000000000/${bucket.name}`
  const make = async (): Promise<void> => {
    await sqs.send(new CreateQueueCommand({ QueueName: bucket.name }))
    const QueueArn = `arn:aws:sqs:${storeEnv.AWS_REGION}:000000000000:${bucket.name}`
    const QueueConfigurations = [{ QueueArn, Events: ['s3:ObjectCreated:*' as const] }]
    const NotificationConfiguration = { QueueConfigurations }
    await bucket.client.send(
      new PutBucketNotificationConfigurationCommand({ Bucket: bucket.name, NotificationConfiguration }),
    )
  }
  await make()
  return {
    ...bucket,
    queueUrl,
    make,
    async messages() {
      const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
      const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...names] })
      const { Attributes = {} } = await sqs.send(command)
      return { waiting: Number(Attributes[names[0]]), hidden: Number(Attributes[names[1]]) }
    },
    async removeQueue() {
      await sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl }))
    },
    close() {
      bucket.close()
      sqs.destroy()
    },
  }
}
