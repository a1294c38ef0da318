import { describe, expect, it } from 'vitest'
import { LogcaskError } from '../../src/base/errors.ts'
import { checkTemplate, expandTemplate, namesIn } from '../../src/base/template.ts'

describe('text with names in braces', () => {
  it.each([
    ['{hostnam}', 'stands for nothing (did you mean {hostname}?)'],
    ['a-{}', '{} stands for nothing'],
    ['{hostname', '{ stands for nothing'],
    ['hostname}', '} stands for nothing'],
    ['{{hostname}}', 'stands for nothing'],
  ])('%s is refused', (template, problem) => {
    const check = (): void => checkTemplate(template, ['hostname', 'host'])
    expect(check).toThrow(LogcaskError)
    expect(check).toThrow(problem)
  })

  it('takes the beginning of a name for a slip: shaftlog has {machine}', () => {
    expect(() => checkTemplate('{machine}/', ['hostname', 'machine_id'])).toThrow('did you mean {machine_id}?')
    expect(() => checkTemplate('{}/', ['hostname', 'machine_id'])).toThrow(/stands for nothing$/)
  })

  it('knows its names, and says which there are', () => {
    expect(() => checkTemplate('{host}/{hostname}', ['hostname', 'host'])).not.toThrow()
    expect([...namesIn('{host}/{hostname}/{host}')]).toEqual(['host', 'hostname'])
    try {
      checkTemplate('{x}', ['a', 'b', 'c'])
      expect.unreachable()
    } catch (error) {
      expect((error as LogcaskError).hint).toBe('there are {a}, {b} and {c}')
    }
  })

  it('puts in what the names stand for, once: a value that looks like a name stays as it is', () => {
    expect(expandTemplate('{a}-{b}', (name) => (name === 'a' ? '{b}' : 'x$1'))).toBe('{b}-x$1')
  })
})
