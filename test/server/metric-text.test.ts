import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { metricText } from '../../src/server/metric-text.ts'
import { parseMetrics, valueIn } from '../support/metric-parser.ts'

describe('the text of metrics', () => {
  it('golden', () => {
    const text = metricText([
      { name: 'a_bytes', type: 'gauge', help: 'Two\nlines, a \\.', samples: [{ value: 1.5 }] },
      {
        name: 'b_total',
        type: 'counter',
        help: 'Labels.',
        samples: [
          { labels: { destination: 'e"u\\\n', outcome: 'ok' }, value: 12345678901 },
          { labels: { destination: 'ü', outcome: '' }, value: Number.POSITIVE_INFINITY },
        ],
      },
      { name: 'none_total', type: 'counter', help: 'No samples.', samples: [] },
    ])
    expect(text).toBe(
      [
        '# HELP a_bytes Two\\nlines, a \\\\.',
        '# TYPE a_bytes gauge',
        'a_bytes 1.5',
        '# HELP b_total Labels.',
        '# TYPE b_total counter',
        'b_total{destination="e\\"u\\\\\\n",outcome="ok"} 12345678901',
        'b_total{destination="ü",outcome=""} +Inf',
        '',
      ].join('\n'),
    )
  })

  it('every label value and number is read back by the grammar', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\n', '\\n', '{}', '",a="'))
    const anyValue = fc.double().map((value) => (Object.is(value, -0) ? 0 : value))
    fc.assert(
      fc.property(anyText, anyText, anyText, anyValue, (help, a, b, value) => {
        const text = metricText([
          { name: 'x', type: 'gauge', help: `${help}.`, samples: [{ labels: { a, b }, value }] },
        ])
        const families = parseMetrics(text)
        expect(families.get('x')?.help).toBe(`${help}.`)
        expect(families.get('x')?.samples).toEqual([
          { name: 'x', labels: { a: a.toWellFormed(), b: b.toWellFormed() }, value },
        ])
        expect(valueIn(families, 'x', { a: a.toWellFormed() })).toBe(value)
      }),
    )
  })

  it.each(['', '1a', 'a-b', 'a b', 'ä'])('%j is no name', (name) => {
    expect(() => metricText([{ name, type: 'gauge', help: 'x', samples: [{ value: 1 }] }])).toThrow(TypeError)
    const bad = { labels: { [name]: 'x' }, value: 1 }
    expect(() => metricText([{ name: 'a', type: 'gauge', help: 'x', samples: [bad] }])).toThrow(TypeError)
  })
})

describe('the parser that the tests use is strict', () => {
  const family = '# HELP a A.\n# TYPE a gauge\n'
  it.each([
    ['no end of the last line', `${family}a 1`],
    ['no help', '# TYPE a gauge\na 1\n'],
    ['a line of another family', `${family}b 1\n`],
    ['no number', `${family}a one\n`],
    ['a decimal comma', `${family}a 1,5\n`],
    ['two spaces', `${family}a  1\n`],
    ['an empty line', `${family}\na 1\n`],
    ['the same series twice', `${family}a{x="1"} 1\na{x="1"} 2\n`],
    ['a label twice', `${family}a{x="1",x="2"} 1\n`],
    ['a comma too many', `${family}a{x="1",} 1\n`],
    ['a quote that is not escaped', `${family}a{x="1"2"} 1\n`],
    ['an escape that there is not', `${family}a{x="\\t"} 1\n`],
    ['a counter that does not say so', '# HELP a A.\n# TYPE a counter\na 1\n'],
    ['a gauge that says counter', '# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n'],
    ['a family in two pieces', `${family}a 1\n# HELP b B.\n# TYPE b gauge\nb 1\n${family}a{x="1"} 1\n`],
  ])('%s is an error', (_, text) => {
    expect(() => parseMetrics(text)).toThrow()
  })
})
