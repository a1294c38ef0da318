import { Writable } from 'node:stream'
import { createTerminal, type Output, type Terminal, type TerminalOptions } from '../../src/cli/terminal/terminal.ts'

/** A terminal of the real kind whose streams end in memory. */
export function capturedTerminal(options: { isTTY?: boolean; columns?: number } & Partial<TerminalOptions> = {}): {
  terminal: Terminal
  stdout: () => string
  stderr: () => string
} {
  const { isTTY = false, columns = 120, ...rest } = options
  const out = capture(isTTY, columns)
  const err = capture(isTTY, columns)
  const terminal = createTerminal(out.stream, err.stream, { quiet: false, noColor: true, env: {}, ...rest })
  return { terminal, stdout: out.text, stderr: err.text }
}

export function capture(isTTY: boolean, columns: number): { stream: Output; text: () => string } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream: Object.assign(stream, { isTTY, columns }), text: () => Buffer.concat(chunks).toString() }
}
