import { LogcaskError } from '../base/errors.ts'

/** Where messages about a bucket come from: one of the three ways in which AWS names a queue, or `sqs://NAME`. */
export interface QueueAddress {
  /** As it is asked for; undefined: it is asked for by its name. */
  queueUrl?: string
  name?: string
  account?: string
  region?: string
  endpoint?: string
  profile?: string
}

const examples = 'write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, sqs://NAME?region=REGION, or its ARN'
const queryNames = ['region', 'endpoint', 'profile'] as const
const namePattern = /^[A-Za-z0-9_-]{1,80}$/

/** Throws `invalid` for what names no queue. */
export function parseQueueUrl(text: string): QueueAddress {
  const arn = /^arn:aws[\w-]*:sqs:([a-z0-9-]+):(\d{12}):(.+)$/.exec(text)
  if (arn) return checked(text, { region: arn[1] ?? '', account: arn[2] ?? '', name: arn[3] ?? '' })
  if (!URL.canParse(text)) throw invalid(text, 'names no queue')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw new LogcaskError('invalid', `the queue at ${url.host}: holds a credential`, {
      hint: 'use a profile, or AWS_ACCESS_KEY_ID: URLs are logged',
    })
  if (url.protocol === 'sqs:') {
    const given: QueueAddress = {}
    for (const [name, value] of url.searchParams) {
      const known = queryNames.find((one) => one === name)
      if (known === undefined) throw invalid(text, `has the unknown setting ?${name}=`)
      given[known] = value
    }
    const name = url.pathname.replace(/^\/+/, '')
    return checked(text, name === '' ? { ...given, name: url.host } : { ...given, account: url.host, name })
  }
  if (!/^https?:$/.test(url.protocol)) throw invalid(text, `has the unknown scheme ${url.protocol}`)
  const name = url.pathname.split('/').at(-1) ?? ''
  const region = /^(?:sqs[\w-]*\.)([a-z0-9-]+)\.amazonaws\.com/.exec(url.host)?.[1]
  checked(text, { name })
  return { queueUrl: text, ...(region === undefined ? {} : { region }) }
}

function checked(text: string, address: QueueAddress): QueueAddress {
  const { name = '' } = address
  if (name.endsWith('.fifo')) throw invalid(text, 'is a FIFO queue, which a bucket cannot notify')
  if (!namePattern.test(name)) throw invalid(text, 'names no queue')
  return address
}

function invalid(text: string, problem: string): LogcaskError {
  return new LogcaskError('invalid', `${text}: ${problem}`, { hint: examples })
}
