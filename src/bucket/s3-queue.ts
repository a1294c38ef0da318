import type { SQSClient } from '@aws-sdk/client-sqs'
import type { Clock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { meaningOf, type StoreAnswer } from './answer.ts'
import { type MessageQueue, messagesAtOnce, type QueueMessage } from './message-queue.ts'
import { createAgents } from './s3-agents.ts'
import { quiet, searchCredentials } from './s3-credentials.ts'
import { profileRegion } from './s3-profile.ts'
import { describeAnswer } from './s3-remedy.ts'
import { answerOf } from './s3-request.ts'
import { requireEndpoint, type S3Settings } from './s3-settings.ts'

/** A queue of SQS, or of what speaks like it: by its URL, or by its name. */
export interface QueueSettings extends Pick<S3Settings, 'region' | 'endpoint' | 'profile' | 'caFile'> {
  /** As SQS gives it: `https://sqs.eu-central-1.amazonaws.com/123456789012/logs`. */
  queueUrl?: string | undefined
  name?: string | undefined
  /** Whose queue of that name it is. Default: that of the credentials. */
  account?: string | undefined
}

/** A long poll takes 20 s; what takes longer than this gets no answer any more, credentials and connection included. */
const deadlineMs = 45_000
/** Those that wait, and those that hide and remove. */
const connectionsMax = 24

type Sdk = typeof import('@aws-sdk/client-sqs')
interface Connected {
  sdk: Sdk
  client: SQSClient
  queueUrl: string
}

/** Not yet asked anything: the SDK's part is loaded at the first request (3 MB). Throws `invalid` for what cannot work. */
export function createSqsQueue(settings: QueueSettings, clock: Clock): MessageQueue {
  const { endpoint, profile, caFile } = settings
  const url =
    settings.queueUrl ?? `sqs://${settings.account === undefined ? '' : `${settings.account}/`}${settings.name}`
  for (const address of [endpoint, settings.queueUrl]) if (address !== undefined) requireEndpoint(address, 'the queue')
  const agents = createAgents({ bucket: '', prefix: '', caFile, connectionsMax }, clock, () => {})
  const requestHandler = () => ({
    httpAgent: agents.httpAgent,
    httpsAgent: agents.httpsAgent,
    logger: quiet.logger,
    socketTimeout: deadlineMs,
    throwOnRequestTimeout: true,
  })
  let made: Promise<Connected> | undefined

  const make = async (signal: AbortSignal): Promise<Connected> => {
    const sdk = await import('@aws-sdk/client-sqs')
    const isElsewhere = endpoint !== undefined || settings.queueUrl?.startsWith('http:')
    const region = settings.region ?? (await regionOf(profile, isElsewhere === true))
    const client = new sdk.SQSClient({
      ...quiet,
      region,
      credentials: searchCredentials({ profile, region, requestHandler }, process.env, clock).find,
      maxAttempts: 1,
      requestHandler: requestHandler(),
      ...(profile !== undefined && { profile }),
      // What emulators say of themselves may be a name that only they know.
      ...(endpoint !== undefined && { endpoint, useQueueUrlAsEndpoint: false }),
    })
    const { queueUrl, name: QueueName, account } = settings
    if (queueUrl !== undefined) return { sdk, client, queueUrl }
    const owner = account === undefined ? {} : { QueueOwnerAWSAccountId: account }
    const found = await client.send(new sdk.GetQueueUrlCommand({ QueueName, ...owner }), { abortSignal: signal })
    return { sdk, client, queueUrl: found.QueueUrl ?? '' }
  }

  const ask = async <T>(
    operation: string,
    outer: AbortSignal | undefined,
    send: (connected: Connected, options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> => {
    outer?.throwIfAborted()
    const late = new AbortController()
    const signal = outer ? AbortSignal.any([outer, late.signal]) : late.signal
    const cancel = clock.timer(deadlineMs, () => late.abort(new Error(`no answer within ${deadlineMs} ms`)))
    try {
      // What looks for credentials cannot be stopped: it is left behind.
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
      made ??= make(signal)
      const work = made.then((connected) => send(connected, { abortSignal: signal }))
      return await Promise.race([work, aborted])
    } catch (cause) {
      if (outer?.aborted) throw outer.reason
      if (cause instanceof LogcaskError) throw cause
      made = undefined
      const answer = answerOf(late.signal.aborted ? late.signal.reason : cause)
      const isRefused = !busy.has(answer.code ?? '') && meaningOf(answer) === 'refused'
      throw new LogcaskError(
        isRefused ? 'refused' : 'unavailable',
        `${url}: ${describeAnswer(answer, { operation, key: '' })}`,
        { hint: remedy(answer, operation, url), cause },
      )
    } finally {
      cancel()
    }
  }

  return {
    url,
    async receive({ max, waitMs, hideMs, signal }) {
      const { Messages = [] } = await ask('ReceiveMessage', signal, ({ sdk, client, queueUrl }, options) =>
        client.send(
          new sdk.ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: Math.min(max, messagesAtOnce),
            WaitTimeSeconds: Math.floor(waitMs / 1000),
            VisibilityTimeout: Math.ceil(hideMs / 1000),
            MessageSystemAttributeNames: ['ApproximateReceiveCount'],
          }),
          options,
        ),
      )
      return Messages.flatMap(({ ReceiptHandle, Body = '', Attributes }): QueueMessage[] =>
        ReceiptHandle === undefined
          ? []
          : [{ receipt: ReceiptHandle, body: Body, receives: Number(Attributes?.ApproximateReceiveCount) || 1 }],
      )
    },
    async hide(messages, hideMs, signal) {
      const VisibilityTimeout = Math.min(43_200, Math.ceil(hideMs / 1000))
      const Entries = entriesOf(messages).map((entry) => ({ ...entry, VisibilityTimeout }))
      await ask('ChangeMessageVisibility', signal, ({ sdk, client, queueUrl: QueueUrl }, options) =>
        client.send(new sdk.ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }), options),
      )
    },
    async remove(messages, signal) {
      await ask('DeleteMessage', signal, ({ sdk, client, queueUrl: QueueUrl }, options) =>
        client.send(new sdk.DeleteMessageBatchCommand({ QueueUrl, Entries: entriesOf(messages) }), options),
      )
    },
    async keepsPoison(signal) {
      const { Attributes } = await ask('GetQueueAttributes', signal, ({ sdk, client, queueUrl }, options) =>
        client.send(
          new sdk.GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['RedrivePolicy'] }),
          options,
        ),
      )
      return (Attributes?.RedrivePolicy ?? '') !== ''
    },
    async close() {
      agents.httpAgent.destroy()
      agents.httpsAgent.destroy()
    },
  }
}

function entriesOf(messages: readonly QueueMessage[]): { Id: string; ReceiptHandle: string }[] {
  return messages.map(({ receipt }, at) => ({ Id: String(at), ReceiptHandle: receipt }))
}

async function regionOf(profile: string | undefined, isElsewhere: boolean): Promise<string> {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const region = AWS_REGION || AWS_DEFAULT_REGION || (await profileRegion(profile, process.env))
  if (region || isElsewhere) return region || 'us-east-1'
  throw Object.assign(new Error('no region is set'), { code: 'RegionMissing' })
}

/** Of SQS alone, with a status that says otherwise: the same again, later. */
const busy = new Set(['RequestThrottled', 'AWS.SimpleQueueService.RequestThrottled', 'OverLimit', 'KmsThrottled'])

function remedy({ status, code = '' }: StoreAnswer, operation: string, url: string): string {
  if (/NonExistentQueue|QueueDoesNotExist/.test(code))
    return 'check its name, region and account; or make it, and let the bucket notify it (docs/fleet.md)'
  if (code === 'RegionMissing') return 'name the whole URL of the queue, or set --region or AWS_REGION'
  if (code === 'CredentialsProviderError') return 'set credentials as for the bucket'
  if (status === 403) return `allow sqs:${operation} on it to these credentials`
  if (status === undefined) return `look at the network on the way to ${url}`
  return status >= 500 ? 'the queue has a problem of its own: look at its log' : 'check the URL of the queue'
}
