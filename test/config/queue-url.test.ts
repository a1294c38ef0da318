import { describe, expect, it } from 'vitest'
import { parseQueueUrl } from '../../src/config/queue-url.ts'

const aws = 'https://sqs.eu-central-1.amazonaws.com/123456789012/logs'

describe('the address of a queue', () => {
  it.each([
    [aws, { queueUrl: aws, region: 'eu-central-1' }],
    ['http://127.0.0.1:4566/000000000000/logs', { queueUrl: 'http://127.0.0.1:4566/000000000000/logs' }],
    ['arn:aws:sqs:us-east-1:123456789012:logs', { region: 'us-east-1', account: '123456789012', name: 'logs' }],
    ['sqs://logs', { name: 'logs' }],
    ['sqs://logs?region=eu-west-1&profile=ops', { name: 'logs', region: 'eu-west-1', profile: 'ops' }],
    [
      'sqs://123456789012/logs?endpoint=http://127.0.0.1:4566',
      { account: '123456789012', name: 'logs', endpoint: 'http://127.0.0.1:4566' },
    ],
  ])('%s', (text, address) => {
    expect(parseQueueUrl(text)).toEqual(address)
  })

  it.each([
    ['', 'names no queue'],
    ['logs', 'names no queue'],
    ['s3://logs', 'unknown scheme'],
    ['sqs://logs.fifo', 'FIFO'],
    ['https://sqs.eu-central-1.amazonaws.com/123456789012/logs.fifo', 'FIFO'],
    ['https://sqs.eu-central-1.amazonaws.com/', 'names no queue'],
    ['sqs://logs?reigon=x', '?reigon='],
    ['https://me:secret@sqs.eu-central-1.amazonaws.com/1/logs', 'holds a credential'],
  ])("'%s' is refused, and no secret is repeated", (text, why) => {
    expect(() => parseQueueUrl(text)).toThrow(why)
    expect(() => parseQueueUrl(text)).not.toThrow(/secret/)
  })
})
