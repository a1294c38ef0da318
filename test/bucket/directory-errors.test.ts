import { describe, expect, it } from 'vitest'
import { storeError } from '../../src/bucket/directory-errors.ts'

describe('a directory store that this user may not enter', () => {
  const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', errno: -13, syscall: 'open' })

  it('asks a reader for no more than reading', () => {
    for (const doing of ['read segments/web-1/s/0', 'list the store']) {
      const error = storeError(denied, 'file:///nas', doing)
      expect(error).toMatchObject({ code: 'refused', hint: expect.stringMatching(/^let this user read it/) })
    }
  })

  it('asks a writer for both', () => {
    const error = storeError(denied, 'file:///nas', 'write probes/web-1/x')
    expect(error).toMatchObject({ hint: expect.stringContaining('read and write') })
  })
})
