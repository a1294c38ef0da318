import { describe, expect, it } from 'vitest'
import { checkOutputTemplate, outputPath } from '../../src/compactor/output-name.ts'
import { publishedName } from '../../src/compactor/published-name.ts'
import type { Origin } from '../../src/format/origin.ts'

const stream = '20261120T101500123456789Z-a1'
const origin: Origin = { machine: 'm1', path: '/var/log/app.log', identity: stream, agent: 'logcask 1' }
const labelled: Origin = { ...origin, labels: { service: 'web', name: 'web/app' } }

describe('what a stream is published as', () => {
  it.each<[Origin, string | undefined, string]>([
    [origin, undefined, '/var/log/app.log'],
    [labelled, undefined, 'web/app'],
    [labelled, '{labels.service}/{year}/{month}/{day}/{hour}/{filename}', 'web/2026/11/20/10/app.log'],
    [labelled, '{machine_id}{directory}/{name}', 'm1/var/log/web/app'],
    [origin, '{labels.service}/{filename}', 'none/app.log'],
    [{ ...origin, identity: '0-a1' }, '{year}/{path}', 'none//var/log/app.log'],
  ])('%j by %s: %s', (one, template, expected) => expect(outputPath(one, template)).toBe(expected))

  it('I9: a label leads nowhere, whatever a host writes there', () => {
    const hostile = { ...origin, labels: { service: '../../etc', name: 'x\u0000\u202e/../..' } }
    for (const template of [undefined, '{labels.service}/{filename}', '{name}']) {
      const name = publishedName('web-1', stream, outputPath(hostile, template))
      expect(name.split('/').every((part) => part !== '..' && part !== '.')).toBe(true)
      expect(name.startsWith('web-1/') && name.endsWith(`~${stream}`)).toBe(true)
      for (const odd of ['\u0000', '\u202e']) expect(name).not.toContain(odd)
    }
  })

  it('two streams never have one name, whatever the template', () => {
    const names = [stream, `${stream}.1`].map((one) => publishedName('web-1', one, outputPath(origin, '{year}')))
    expect(new Set(names).size).toBe(2)
  })

  it.each([
    ['{labels.Service}', /stands for nothing/],
    ['{filenam}', /did you mean \{filename\}/],
    ['../{filename}', /holds a part \. or \.\./],
    ['logs', /holds no name in braces/],
    ['{filename', /stands for nothing/],
  ])('%s is refused', (template, problem) => expect(() => checkOutputTemplate(template)).toThrow(problem))
})
