import { once } from 'node:events'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createPaint, createTerminal, isReaderGone, wantsColor } from '../../src/cli/terminal/terminal.ts'
import { capturedTerminal } from './captured-terminal.ts'

describe('colours', () => {
  it.each([
    ['on a terminal', true, false, {}, true],
    ['not into a pipe', false, false, {}, false],
    ['not with --no-color', true, true, { FORCE_COLOR: '1' }, false],
    ['not with NO_COLOR', true, false, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['with an empty NO_COLOR', true, false, { NO_COLOR: '' }, true],
    ['into a pipe with FORCE_COLOR', false, false, { FORCE_COLOR: '1' }, true],
    ['not with FORCE_COLOR=0', true, false, { FORCE_COLOR: '0' }, false],
    ['not on a dumb terminal', true, false, { TERM: 'dumb' }, false],
  ])('%s', (_, isTTY, noColor, env, expected) => expect(wantsColor(isTTY, noColor, env)).toBe(expected))

  it('write no escapes where there are none, and none around nothing', () => {
    expect(createPaint(false).red('x')).toBe('x')
    expect(createPaint(true).red('')).toBe('')
    expect(createPaint(true).red('x')).toBe('\u001b[31mx\u001b[39m')
  })

  it('are decided for stdout and stderr each', () => {
    const env = { TERM: 'xterm' }
    const terminal = createTerminal(sink(false), sink(true), { quiet: false, noColor: false, env })
    expect(terminal.paint.bold('x')).toBe('x')
    expect(terminal.paintMessage.bold('x')).toContain('\u001b[')
  })
})

describe('a terminal', () => {
  it('has data on stdout and messages on stderr', async () => {
    const { terminal, stdout, stderr } = capturedTerminal()
    await terminal.line('data')
    await terminal.json({ a: 1 })
    await terminal.write(new Uint8Array([0xff, 0x0a]))
    terminal.say('message')
    terminal.warn('warning')
    expect(stdout()).toBe('data\n{"a":1}\n\ufffd\n')
    expect(stderr()).toBe('message\nwarning\n')
  })

  it('keeps warnings with --quiet', () => {
    const { terminal, stderr } = capturedTerminal({ quiet: true, isTTY: true })
    terminal.say('message')
    terminal.live('bar')
    terminal.warn('warning')
    expect(stderr()).toBe('warning\n')
  })

  it('removes the live line before a message, and at the end', async () => {
    const { terminal, stderr } = capturedTerminal({ isTTY: true })
    terminal.live('bar')
    terminal.say('message')
    terminal.live('bar')
    await terminal.flush()
    await terminal.flush()
    expect(stderr()).toBe('\r\u001b[2Kbar\r\u001b[2Kmessage\n\r\u001b[2Kbar\r\u001b[2K')
  })

  it('has no live line where stderr is no terminal, or a dumb one', () => {
    for (const options of [{ isTTY: false }, { isTTY: true, env: { TERM: 'dumb' } }]) {
      const { terminal, stderr } = capturedTerminal(options)
      terminal.live('bar')
      expect(terminal.isLive).toBe(false)
      expect(stderr()).toBe('')
    }
  })

  it('waits for a slow reader', async () => {
    const pending: (() => void)[] = []
    const slow = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => pending.push(done) })
    const terminal = createTerminal(slow, sink(false), { quiet: false, noColor: true, env: {} })
    let isDone = false
    const written = terminal.write('more than one byte').then(() => {
      isDone = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isDone).toBe(false)
    pending.shift()?.()
    await written
    expect(isDone).toBe(true)
  })

  it('rejects every write once nobody reads, and says so once', async () => {
    const reasons: unknown[] = []
    const stream = failing('EPIPE')
    const terminal = createTerminal(stream, sink(false), {
      quiet: false,
      noColor: true,
      env: {},
      onClosed: (reason) => reasons.push(reason),
    })
    const failed = once(stream, 'error').catch((error) => error)
    await terminal.write('first').catch(() => {})
    await failed
    const error = await terminal.write('second').catch((reason) => reason)
    expect(isReaderGone(error)).toBe(true)
    expect(reasons).toEqual([error])
  })

  it('I6: a full disk behind stdout is an error, not the end of a pipe', async () => {
    const stream = failing('ENOSPC')
    const terminal = createTerminal(stream, sink(false), { quiet: false, noColor: true, env: {} })
    const failed = once(stream, 'error').catch((error) => error)
    await terminal.write('first').catch(() => {})
    await failed
    const error = await terminal.write('second').catch((reason) => reason)
    expect(isReaderGone(error)).toBe(false)
    expect(error).toMatchObject({ code: 'refused', message: 'stdout: ENOSPC' })
  })
})

function sink(isTTY: boolean) {
  return Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY })
}

function failing(code: string) {
  return new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
  })
}
