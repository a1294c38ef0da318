import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { rawArguments } from '../../src/cli/terminal/raw-arguments.ts'
import { mainFile } from '../scenarios/main-file.ts'
import { tempDirectory } from '../support/temp-directory.ts'

describe('raw arguments', () => {
  it('I1: a name that is not UTF-8 keeps its bytes, whatever stands before it', () => {
    const line = Buffer.from('node\0--no-warnings\0main.ts\0ship\0\0x\xff.log\0\0', 'latin1')
    expect(rawArguments(['ship', '', 'x\ufffd.log', ''], () => line)).toEqual(['ship', '', 'x\udcff.log', ''])
  })

  it('U+FFFD itself is itself', () => {
    expect(rawArguments(['cat', '\ufffd'], () => Buffer.from('node\0cat\0\ufffd\0'))).toEqual(['cat', '\ufffd'])
  })

  it('stay as they are where the system does not tell the bytes, or tells of others', () => {
    expect(rawArguments(['x\ufffd'], () => Buffer.from('a title\0'))).toEqual(['x\ufffd'])
    const absent = (): Buffer => {
      throw new Error('ENOENT')
    }
    expect(rawArguments(['x\ufffd'], absent)).toEqual(['x\ufffd'])
  })

  it.skipIf(process.platform !== 'linux')('I1: ship, cat and why take a name that is not UTF-8', async () => {
    const directory = await tempDirectory()
    await writeFile(Buffer.from(`${directory}/x\xff.log`, 'latin1'), 'line\n')
    // Node cannot hand on such an argument; a shell can.
    const logcask = (args: string): string =>
      execFileSync(
        '/bin/sh',
        ['-c', `name=$(printf 'x\\377.log'); exec "$0" "$1" ${args}`, process.execPath, mainFile],
        {
          cwd: directory,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      )
    logcask(`ship "$name" --to "file://$PWD/store" --host web-1 --state "$PWD/state"`)
    expect(logcask('cat "file://$PWD/store" web-1 "$name"')).toBe('line\n')
    expect(logcask('cat "file://$PWD/store" web-1 "x\\\\xff.log"')).toBe('line\n')
    expect(logcask('why "$name" --state "$PWD/state"')).toContain('x\\xff.log\n')
  })
})
