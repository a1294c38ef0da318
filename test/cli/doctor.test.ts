import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { type ProbeReport, requirePassed } from '../../src/bucket/probe.ts'
import { openBucket } from '../../src/cli/compose/open-bucket.ts'
import { reportLines } from '../../src/cli/doctor.ts'
import { createPaint } from '../../src/cli/terminal/terminal.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

describe('logcask doctor', () => {
  it('passes a store that creates only, and says what to type next', async () => {
    const url = await store()
    const { code, stdout, stderr } = await commandLine(['doctor', url, '--host', 'web-1'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const checks = stdout.split('\n').map((line) => line.split(/ +/).slice(0, 2).join(' '))
    expect(checks).toEqual(['create ok', 'read ok', 'duplicate ok', 'list ok', 'race ok', 'ready: logcask', ''])
    expect(stdout).toContain(`ready: logcask ship PATH --to ${url}`)
  })

  it('tries everything every time, and reports it for a machine with --json', async () => {
    const url = await store()
    await commandLine(['doctor', url])
    const { code, stdout } = await commandLine(['doctor', url, '--json'])
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ url, passed: true, remembered: false })
    expect(report.findings).toHaveLength(5)
  })

  it('I4: makes no store where none is, and asks for a second try', async () => {
    const missing = join(await tempDirectory(), 'not-mounted')
    const { code, stderr } = await commandLine(['doctor', `file://${missing}`])
    expect(code).toBe(75)
    expect(stderr).toMatch(/no store is there[\s\S]*\nfix: /)
    const empty = await tempDirectory()
    expect((await commandLine(['doctor', `file://${empty}`])).code).toBe(75)
    expect(await readdir(empty)).toEqual([])
  })

  it('fails a store that refuses, with exit 1 and what to do', async () => {
    const server = createServer((request, response) => {
      request.resume()
      request.on('end', () => {
        response.writeHead(403, { 'content-type': 'application/xml' })
        response.end('<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no\u001b[2J</Message></Error>')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    process.env.AWS_ACCESS_KEY_ID = 'a'
    process.env.AWS_SECRET_ACCESS_KEY = 'b'
    onTestFinished(() => {
      delete process.env.AWS_ACCESS_KEY_ID
      delete process.env.AWS_SECRET_ACCESS_KEY
    })
    const { code, stdout } = await commandLine(['doctor', 's3://logs/prod', '--endpoint', `http://127.0.0.1:${port}`])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^create +FAIL +.*403/m)
    expect(stdout).toMatch(/^fix: /m)
    expect(stdout).toMatch(/do not ship yet\n$/)
    expect(stdout).not.toContain('\u001b')
  })

  it.each([
    [['doctor'], 'an argument is missing', 'logcask doctor URL'],
    [['doctor', '/mnt/nas'], '/mnt/nas: is no URL', 'write file:///mnt/nas'],
    [['doctor', 'gopher://x'], 'gopher://x: has the unknown scheme gopher:', 'write file:///dir or s3://bucket/prefix'],
    [['doctor', 'file:///a', 'file:///b'], 'too many arguments, from file:///b on', 'logcask doctor URL'],
  ])('%j is refused with exit 2', async (argv, message, hint) => {
    expect(await commandLine(argv)).toEqual({ code: 2, stdout: '', stderr: `logcask: ${message}\nfix: ${hint}\n` })
  })
})

describe('the report of a doctor', () => {
  const report: ProbeReport = {
    passed: false,
    remembered: false,
    findings: [
      { check: 'create', state: 'ok', seen: 'a new key was created' },
      { check: 'duplicate', state: 'failed', seen: 'overwritten \u001b[2J', fix: 'use another store' },
      { check: 'list', state: 'failed', seen: 'nothing', fix: 'use another store' },
      { check: 'race', state: 'unknown', seen: 'not tried' },
    ],
  }

  it('I9: has each remedy once, and no escapes of the store', () => {
    expect(reportLines(report, 's3://b', createPaint(false))).toEqual([
      'create     ok    a new key was created',
      'duplicate  FAIL  overwritten \\x1b[2J',
      'list       FAIL  nothing',
      'race       –     not tried',
      'fix: use another store',
      'do not ship yet',
    ])
  })

  it('ends with a command that a shell takes as it is', () => {
    const [last] = reportLines({ ...report, passed: true }, "s3://b/?endpoint=http://x/'", createPaint(false)).slice(-1)
    expect(last).toBe(`ready: logcask ship PATH --to 's3://b/?endpoint=http://x/'\\'''`)
  })

  it('leads to the same command as the refusal to ship', () => {
    expect(() => requirePassed(report, 's3://b')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('logcask doctor s3://b') }),
    )
  })
})

describe('opening a bucket', () => {
  it('makes a directory for a writer that may, and never for a reader', async () => {
    const directory = await tempDirectory()
    const url = `file://${directory}/new`
    const reader = await openBucket(url, {}, 'read', systemClock, { create: true })
    await expect(reader.get('probes/h/x')).rejects.toMatchObject({ code: 'unavailable' })
    const writer = await openBucket(url, {}, 'write', systemClock, { create: true })
    expect(await writer.put('probes/h/x', Buffer.from('a'), { mode: 'create' })).toBe('created')
    expect((await reader.get('probes/h/x'))?.size).toBe(1)
    await reader.close()
    await writer.close()
  })

  it('takes the settings before the query of the URL', async () => {
    const bucket = await openBucket(
      's3://b/p?endpoint=http://query:1',
      { endpoint: 'http://flag:2' },
      'read',
      systemClock,
    )
    expect(bucket.url).toContain('http://flag:2')
    await bucket.close()
  })
})

/** A directory that is a store already. */
async function store(): Promise<string> {
  const directory = join(await tempDirectory('doctor'), 'store')
  await mkdir(directory)
  const url = `file://${directory}`
  const bucket = await openBucket(url, {}, 'write', systemClock, { create: true })
  await bucket.put('probes/first/x', Buffer.from('a'), { mode: 'create' })
  await bucket.close()
  return url
}
