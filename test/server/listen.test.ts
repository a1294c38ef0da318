import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isCode } from '../../src/base/errors.ts'
import { type ListenAddress, listenAddressText, parseListenAddress } from '../../src/base/listen-address.ts'
import { type Listening, listen, type Route } from '../../src/server/listen.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

const routes: Record<string, Route> = {
  '/metrics': () => ({ status: 200, contentType: 'text/plain; version=0.0.4', body: 'a 1\n' }),
  '/fails': () => {
    throw new Error('secret')
  },
}

async function serve(address: ListenAddress = parseListenAddress('127.0.0.1:0')): Promise<Listening> {
  const listening = await listen(address, routes)
  onTestFinished(() => listening.close())
  return listening
}

interface Answer {
  status: number | undefined
  headers: NodeJS.Dict<string | string[]>
  body: string
}

function ask({ address }: Listening, path: string, method = 'GET'): Promise<Answer> {
  const where = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port }
  const agent = new Agent({ keepAlive: false })
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, path, method, agent }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** A connection by hand: what it got until it was closed. */
function raw({ address }: Listening, say: (socket: Socket) => void): Promise<string> {
  if (address.kind === 'unix') throw new TypeError('by TCP')
  return new Promise((resolve) => {
    let got = ''
    const socket = connect(address.port, address.host, () => say(socket))
    socket.on('data', (chunk) => {
      got += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(got))
  })
}

describe('where to listen', () => {
  it.each<[string, ListenAddress]>([
    ['127.0.0.1:9464', { kind: 'tcp', host: '127.0.0.1', port: 9464 }],
    ['127.8.9.10:1', { kind: 'tcp', host: '127.8.9.10', port: 1 }],
    ['localhost:9464', { kind: 'tcp', host: 'localhost', port: 9464 }],
    ['[::1]:9464', { kind: 'tcp', host: '::1', port: 9464 }],
    ['unix:/run/logcask/metrics.sock', { kind: 'unix', path: '/run/logcask/metrics.sock' }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address)
    expect(listenAddressText(address)).toBe(text)
  })

  it.each([
    ['0.0.0.0:9464', 'listen on 127.0.0.1:9464'],
    [':9464', 'listen on 127.0.0.1:9464'],
    ['[::]:9464', 'listen on 127.0.0.1:9464'],
    ['10.0.0.1:9464', 'listen on 127.0.0.1:9464'],
    ['metrics.example:9464', 'listen on 127.0.0.1:9464'],
    ['127.0.0.1.evil.example:80', 'listen on 127.0.0.1:80'],
    ['[::ffff:10.0.0.1]:80', 'listen on 127.0.0.1:80'],
    ['9464', 'write it as 127.0.0.1:9464'],
    ['127.0.0.1:65536', 'write it as 127.0.0.1:9464'],
    ['http://127.0.0.1:9464', 'write it as 127.0.0.1:9464'],
    ['unix:relative.sock', 'write it as unix:/run/logcask/metrics.sock'],
    ['unix:/', 'write it as unix:/run/logcask/metrics.sock'],
    [`unix:/${'a'.repeat(107)}`, 'choose a shorter one'],
  ])('%s is refused, with the remedy', (text, remedy) => {
    const refusal = (): unknown => {
      try {
        return parseListenAddress(text)
      } catch (error) {
        return error
      }
    }
    expect(refusal()).toMatchObject({ code: 'invalid', hint: expect.stringContaining(remedy) })
  })
})

describe('the server', () => {
  it('answers its routes, and nothing else', async () => {
    const server = await serve()
    expect(await ask(server, '/metrics?x=1')).toMatchObject({
      status: 200,
      body: 'a 1\n',
      headers: { 'content-type': 'text/plain; version=0.0.4', 'content-length': '4', 'cache-control': 'no-store' },
    })
    expect(await ask(server, '/metrics', 'HEAD')).toMatchObject({ status: 200, body: '' })
    expect(await ask(server, '/other')).toMatchObject({ status: 404, body: 'there are: /metrics /fails\n' })
    expect(await ask(server, '/__proto__')).toMatchObject({ status: 404 })
    expect(await ask(server, '/metrics', 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    const failed = await ask(server, '/fails')
    expect([failed.status, failed.body]).toEqual([500, 'failed\n'])
  })

  it('listens on a unix socket that its group may use, takes over a dead one, and removes it at its end', async () => {
    const path = join(await tempDirectory('listen'), 'metrics.sock')
    const address = parseListenAddress(`unix:${path}`)
    // What a killed process leaves behind: the name, and nobody there.
    const killed = createServer()
    await new Promise<void>((resolve) => killed.listen(`${path}.first`, resolve))
    await rename(`${path}.first`, path)
    await new Promise((resolve) => killed.close(resolve))
    const server = await listen(address, routes)
    expect((await ask(server, '/metrics')).body).toBe('a 1\n')
    expect((await stat(path)).mode & 0o777).toBe(0o660)
    await expect(listen(address, routes)).rejects.toMatchObject({ code: 'unavailable', hint: /another process/ })
    await server.close()
    await server.close()
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('says what is in its way: a taken port, a file that is no socket, a directory that is not there', async () => {
    const server = await serve()
    await expect(listen(server.address, routes)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(listenAddressText(server.address)),
      hint: expect.stringContaining('another process is there'),
    })
    const directory = await tempDirectory('listen')
    await writeFile(join(directory, 'precious'), 'x')
    await mkdir(join(directory, 'directory'))
    for (const name of ['precious', 'directory', 'missing/metrics.sock']) {
      const failed = await listen({ kind: 'unix', path: join(directory, name) }, routes).catch((error) => error)
      expect(isCode(failed, 'unavailable') && failed.hint).toBeTruthy()
    }
    expect((await stat(join(directory, 'precious'))).size).toBe(1)
  })

  it('answers to names of this machine alone, so that no page elsewhere reads through a browser here', async () => {
    const server = await serve()
    const asked = (host: string) =>
      raw(server, (socket) => socket.write(`GET /metrics HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`))
    for (const host of ['localhost', '127.0.0.1:9464', '[::1]:9464', 'LocalHost:1'])
      expect(await asked(host), host).toMatch(/^HTTP\/1.1 200 /)
    for (const host of ['evil.example', 'evil.example:9464', '127.0.0.1.evil.example', '10.0.0.1', ''])
      expect(await asked(host), host).toMatch(/^HTTP\/1.1 421 /)
  })

  it('I7: ends connections that say nothing, drip, or say too much', async () => {
    const server = await serve()
    const [, dripped, large, posted] = await Promise.all([
      raw(server, () => {}),
      raw(server, (socket) => {
        socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n')
        const drip = setInterval(() => socket.write('x: y\r\n'), 500)
        socket.on('close', () => clearInterval(drip))
      }),
      raw(server, (socket) =>
        socket.write(`GET /metrics HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
      ),
      raw(server, (socket) =>
        socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n'),
      ),
    ])
    expect(dripped).toMatch(/^HTTP\/1.1 408 /)
    expect(large).toMatch(/^HTTP\/1.1 431 /)
    expect(posted).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\nConnection: close\r\n/)
  }, 40_000)

  it('I7: takes a bounded number of connections, and gives them back', async () => {
    const server = await serve()
    if (server.address.kind === 'unix') throw new TypeError('by TCP')
    const { host, port } = server.address
    const sockets = Array.from({ length: 40 }, () => connect(port, host).on('error', () => {}))
    await Promise.all(sockets.slice(32).map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(32)
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(() =>
        ask(server, '/metrics').then(
          ({ body }) => body,
          () => '',
        ),
      )
      .toBe('a 1\n')
  })
})
