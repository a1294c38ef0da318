import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createServerClient } from '../../src/cli/read/server-client.ts'
import { followServer } from '../../src/cli/read/server-follow.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { capturedTerminal } from './captured-terminal.ts'
import { eventually } from './reader-bucket.ts'
import { startCommandLine } from './run-command-line.ts'

guardLeaks()

const stream = '20261120T101500123456789Z-1a2c'
const path = '/var/log/a.log'

const row = {
  host: 'h',
  stream,
  name: path,
  shown: path,
  born: null,
  bytes: 3,
  segments: 1,
  last: null,
  state: 'live',
  sha256: [],
  missing: null,
  gaps: [],
  forkOf: null,
  labels: {},
  aliases: [],
  strays: 0,
  tampered: null,
  expiredBefore: null,
  problem: null,
}

function event(start: number, text: string, fields: { base64?: string; end?: number } = {}): string {
  const bytes = Buffer.from(text)
  const data = { start, end: start + bytes.length, base64: bytes.toString('base64'), ...fields }
  return `id: ${data.end}\ndata: ${JSON.stringify(data)}\n\n`
}

/** A server that has three bytes of one stream, and whose events are what `follow` writes. */
type Follow = (request: IncomingMessage, response: ServerResponse, turn: number) => void

async function serve(follow: Follow) {
  return startCommandLine(['cat', await listen(follow), 'h', path, '--follow'])
}

async function listen(
  follow: Follow,
  rows: readonly (typeof row)[] = [row],
  isAway: () => boolean = () => false,
): Promise<string> {
  let turn = 0
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x')
    if (pathname.endsWith('/follow')) return follow(request, response, turn++)
    if (pathname.endsWith('/content')) return void response.end('abc')
    if (isAway()) return void response.writeHead(503).end()
    response.end(JSON.stringify({ streams: rows, next: null }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('by TCP')
  return `http://127.0.0.1:${address.port}`
}

describe('cat --follow of a server', () => {
  it('asks again behind the last byte that was printed, wherever an event was cut', async () => {
    const asked: (string | undefined)[] = []
    const whole = event(3, 'def') + event(6, 'ghi')
    const run = await serve((request, response, turn) => {
      asked.push(String(request.headers['last-event-id']))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      if (turn === 0) {
        // In the middle of the second event the connection breaks.
        response.write(whole.slice(0, -20))
        setTimeout(() => response.destroy(), 50)
      } else if (turn === 1) response.end(event(6, 'ghi'))
      else response.write(event(9, 'jkl'))
    })
    await eventually(() => (run.stdout() === 'abcdefghijkl' ? true : undefined))
    expect(asked).toEqual(['3', '6', '9'])
    run.signal('SIGINT')
    expect(await run.code).toBe(130)
  })

  it('says which bytes have expired meanwhile', async () => {
    const run = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(event(10, 'later'))
    })
    await eventually(() => (run.stdout() === 'abclater' ? true : undefined))
    expect(run.stderr()).toContain('bytes 3–10 are not there any more')
    run.signal('SIGINT')
    await run.code
  })

  it.each([
    ['bytes that were given before', event(0, 'abc'), 'were given before'],
    ['a length that is not the bytes', event(3, 'def', { end: 60 }), 'none of ours'],
    ['no JSON', 'data: {"start":\n\n', 'none of ours'],
    ['other JSON', 'data: [1]\n\n', 'none of ours'],
  ])('refuses %s, and prints nothing of it', async (_, text, said) => {
    const run = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(text)
    })
    expect(await run.code).toBe(1)
    expect([run.stdout(), run.stderr()]).toEqual(['abc', expect.stringContaining(said)])
  })

  it('waits where there are too many who follow, and goes on when there is room', async () => {
    const run = await serve((_, response, turn) => {
      if (turn === 0) {
        response.writeHead(503, { 'content-type': 'application/problem+json' })
        return void response.end(JSON.stringify({ title: 'too many are following', status: 503 }))
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(event(3, 'def'))
    })
    await eventually(() => (run.stdout() === 'abcdef' ? true : undefined))
    expect(run.stderr()).toContain('too many are following')
    run.signal('SIGTERM')
    expect(await run.code).toBe(143)
  })

  it('leaves a stream that nothing seals once it has been quiet since a newer one has its name', async () => {
    const newer = { ...row, stream: '20261121T101500123456789Z-1a2d' }
    const url = await listen(
      (request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        if (request.url?.includes(newer.stream)) response.write(event(0, 'newer'))
        else if (request.headers['last-event-id'] === undefined) response.write(event(0, 'older'))
      },
      [newer, row],
    )
    const { stdout, stderr, end } = await followQuickly(url)
    await eventually(() => (stdout() === 'oldernewer' ? true : undefined))
    expect(stderr()).toContain(`rotated, going on with stream ${newer.stream}`)
    await end()
  })

  it('does not take a server that is away for a stream that is quiet', async () => {
    const newer = { ...row, stream: '20261121T101500123456789Z-1a2d' }
    const beganAtMs = performance.now()
    const url = await listen(
      (request, response, turn) => {
        const isAway = turn > 0 && performance.now() - beganAtMs < 1_000
        if (isAway) return void response.writeHead(503).end()
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        if (request.url?.includes(newer.stream)) response.write(event(0, ' newer'))
        else if (turn === 0) response.end(event(0, 'older'))
        else response.write(event(5, ' and its end'))
      },
      [newer, row],
    )
    const { stdout, end } = await followQuickly(url)
    await eventually(() => (stdout().includes('newer') ? true : undefined))
    expect(stdout()).toBe('older and its end newer')
    await end()
  })

  it('does not take a store that the server cannot reach for a stream that is quiet', async () => {
    const newer = { ...row, stream: '20261121T101500123456789Z-1a2d' }
    let failures = 0
    let older: ServerResponse | undefined
    const url = await listen(
      (request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        if (request.url?.includes(newer.stream)) return void response.write(event(0, ' newer'))
        older = response
        response.write(event(0, 'older'))
      },
      [newer, row],
      () => {
        // The agent comes back after the store, and after the server.
        if (++failures === 3) setTimeout(() => older?.write(event(5, ' and its end')), 500)
        return failures <= 3
      },
    )
    const { stdout, end } = await followQuickly(url)
    await eventually(() => (stdout().includes('newer') ? true : undefined))
    expect(stdout()).toBe('older and its end newer')
    await end()
  })

  it('does not take who reads slowly for a stream that is quiet', async () => {
    const newer = { ...row, stream: '20261121T101500123456789Z-1a2d' }
    const url = await listen(
      (request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        if (request.url?.includes(newer.stream)) return void response.write(event(0, ' newer'))
        response.write(event(0, 'older'))
        setTimeout(() => response.write(event(5, ' and its end')), 100)
      },
      [newer, row],
    )
    const { stdout, end } = await followQuickly(url, () => systemClock.sleep(700))
    await eventually(() => (stdout().includes('newer') ? true : undefined))
    expect(stdout()).toBe('older and its end newer')
    await end()
  })
})

/** Follows from the first byte, by a clock whose seconds last a fiftieth. `onWrite`: whoever reads takes so long. */
async function followQuickly(url: string, onWrite: () => Promise<void> = async () => {}) {
  const { terminal: captured, stdout, stderr } = capturedTerminal()
  const write = async (bytes: Uint8Array | string): Promise<void> => {
    await onWrite()
    await captured.write(bytes)
  }
  const terminal = { ...captured, write }
  const stop = new AbortController()
  const clock = {
    ...systemClock,
    monotonic: () => systemClock.monotonic() * 50,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 50, signal),
  }
  const input = { values: {}, positionals: [], terminal, signal: stop.signal, onHangUp: () => () => {}, clock, env: {} }
  const server = await createServerClient(input, url)
  const following = followServer(input, server, { host: 'h', stream, path }, 0)
  following.catch(() => {})
  const end = async (): Promise<void> => {
    stop.abort(new Error('over'))
    await expect(following).rejects.toThrow('over')
  }
  return { stdout, stderr, end }
}
