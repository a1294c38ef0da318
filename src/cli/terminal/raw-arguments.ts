import { readFileSync } from 'node:fs'
import { pathFromBytes } from '../../base/path-bytes.ts'

/**
 * `argv` with the arguments that are not UTF-8 as `pathFromBytes` has them: Node puts U+FFFD where their bytes were. Only
 * Linux tells them; elsewhere such an argument stays as it is.
 */
export function rawArguments(argv: readonly string[], readCommandLine: () => Buffer = ofThisProcess): string[] {
  if (!argv.some((argument) => argument.includes('\ufffd'))) return [...argv]
  let words: Buffer[]
  try {
    words = wordsOf(readCommandLine())
  } catch {
    return [...argv]
  }
  // Before ours are the runtime, its own options and the script: from the end they are the same.
  const ours = words.slice(-argv.length)
  return argv.map((argument, at) => {
    const bytes = ours[at]
    return bytes?.toString('utf8') === argument ? pathFromBytes(bytes) : argument
  })
}

function ofThisProcess(): Buffer {
  return readFileSync('/proc/self/cmdline')
}

/** Each word ends with a NUL. */
function wordsOf(commandLine: Buffer): Buffer[] {
  const words: Buffer[] = []
  for (let from = 0; from < commandLine.length; ) {
    const end = commandLine.indexOf(0, from)
    const to = end < 0 ? commandLine.length : end
    words.push(commandLine.subarray(from, to))
    from = to + 1
  }
  return words
}
