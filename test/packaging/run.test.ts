import { describe, expect, it } from 'vitest'
import { ended, run } from '../../packaging/run.ts'
import { guardLeaks } from '../support/leak-guard.ts'

guardLeaks()

describe('a program that is run', () => {
  it('is killed where it hangs, also where it does not hear SIGTERM, and named', async () => {
    const script = 'trap "" TERM; exec sleep 100000'
    // It rejects only once the program has ended.
    await expect(run('sh', ['-c', script], { withinMs: 2_000 })).rejects.toThrow(
      `sh -c ${script}: did not end within 2 s, and was killed`,
    )
  })

  it('says how it came out', async () => {
    expect(await ended('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    expect(await ended('sh', ['-c', 'kill -9 $$'])).toEqual({ code: 137, stdout: '', stderr: '' })
    await expect(run('sh', ['-c', 'echo why >&2; exit 3'])).rejects.toThrow(/status 3\n\nwhy/)
    await expect(ended('/there/is/no/such', [])).rejects.toThrow('ENOENT')
  })

  it('finds nothing to read, and does not wait for it', async () => {
    expect(await run('cat', [])).toBe('')
  })
})
