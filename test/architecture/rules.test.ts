import { describe, expect, it } from 'vitest'
import {
  checkBans,
  checkDirection,
  checkImportTime,
  checkLength,
  checkName,
  checkRoom,
  checkSkips,
  findCycles,
  linesMax,
} from './rules.ts'
import { readSource } from './source-text.ts'

describe('a source, read cheaply', () => {
  it('shows imports and exports again, of every form', () => {
    const { imports } = readSource(`#!/usr/bin/env node
import a, { type B } from './a.ts'
import type { C } from "./c.ts"
import {
  d,
  e as f,
} from './d.ts'
import * as g from './g.ts'
import './h.ts'
export { i } from './i.ts'
export * from './j.ts'
const k = () => import('./k.ts')
export const from = 1
`)
    expect(imports.map(({ specifier, kind }) => `${specifier} ${kind}`)).toEqual([
      './a.ts static',
      './c.ts static',
      './d.ts static',
      './g.ts static',
      './h.ts static',
      './i.ts static',
      './j.ts static',
      './k.ts dynamic',
    ])
  })

  it.each([
    ['a comment', '// Date.now()'],
    ['a block comment', "/* it's\n Date.now() */"],
    ['a string', `const a = 'Date.now() // \\' Date.now()'`],
    ['a template', `const a = \`Date.now() \${b} Date.now()\``],
    ['a template in a template', `const a = \`\${b(\`Date.now()\`, { c: 1 })} Date.now()\``],
    ['a regular expression', `const a = /['"\`/]Date.now()/.test(b) // '`],
  ])('does not see a call in %s', (_, source) => {
    expect(checkBans('src/agent/a.ts', source)).toEqual([])
  })

  it.each([
    ['after a comment', `/* ' */ Date.now()`],
    ['after a string', `f('it\\'s', "\\"") + Date.now()`],
    ['in a template', `const a = \`x \${{ b: Date.now() }.b} y\``],
    ['after a template', `const a = \`\${b({ c: \`d\` })}\`; Date.now()`],
    ['after a division', `const a = b / c; const d = Date.now() / 2`],
    ['after a regular expression', `const a = b.replace(/'/g, '') + Date.now()`],
  ])('sees a call %s', (_, source) => {
    expect(checkBans('src/agent/a.ts', source)).toEqual([`src/agent/a.ts:1: Date.now: take a Clock (base/clock.ts)`])
  })
})

describe('direction', () => {
  it.each([
    ['src/main.ts', './cli/command-line.ts'],
    ['src/index.ts', './library/ship.ts'],
    ['src/library/ship.ts', '../cli/compose-agent.ts'],
    ['src/library/ship.ts', '../config/machine.ts'],
    ['src/cli/ship.ts', '../config/load.ts'],
    ['src/cli/ship.ts', '../base/errors.ts'],
    ['src/agent/ship.ts', '../bucket/bucket.ts'],
    ['src/agent/ship.ts', './plan.ts'],
    ['src/server/page/page.ts', '../../format/keys.ts'],
    ['src/cli/help.ts', '../../package.json'],
    ['src/agent/ship.ts', 'zod'],
  ])('%s may import %s', (path, specifier) => {
    expect(checkDirection(path, `import { a } from '${specifier}'`)).toEqual([])
  })

  it.each([
    ['src/base/clock.ts', '../format/keys.ts'],
    ['src/format/keys.ts', '../bucket/bucket.ts'],
    ['src/bucket/s3.ts', '../agent/ship.ts'],
    ['src/agent/ship.ts', '../compactor/plan.ts'],
    ['src/compactor/plan.ts', '../agent/plan.ts'],
    ['src/server/listen.ts', '../compactor/plan.ts'],
    ['src/agent/ship.ts', '../config/schema.ts'],
    ['src/config/load.ts', '../agent/agent.ts'],
    ['src/agent/ship.ts', '../cli/ship.ts'],
    ['src/cli/ship.ts', '../main.ts'],
    ['src/cli/ship.ts', '../library/ship.ts'],
    ['src/main.ts', './index.ts'],
    ['src/cli/ship.ts', '../../test/support/tally.ts'],
  ])('%s must not import %s, in any form', (path, specifier) => {
    for (const source of [
      `import { a } from '${specifier}'`,
      `import type { A } from '${specifier}'`,
      `export * from '${specifier}'`,
      `const a = await import('${specifier}')`,
    ]) {
      expect(checkDirection(path, source)).toHaveLength(1)
    }
  })

  it('a source outside of every room is found', () => {
    expect(checkRoom('src/lib/a.ts')).toHaveLength(1)
    expect(checkRoom('src/other.ts')).toHaveLength(1)
    expect(checkRoom('src/agent/a.ts')).toEqual([])
  })
})

describe('cycles', () => {
  it('are found, each once', () => {
    const sources = new Map([
      ['src/agent/a.ts', `import { b } from './b.ts'`],
      ['src/agent/b.ts', `import { c } from '../base/c.ts'`],
      ['src/base/c.ts', `export { a } from '../agent/a.ts'`],
      ['src/base/d.ts', `import { c } from './c.ts'`],
    ])
    expect(findCycles(sources)).toEqual(['src/agent/a.ts → src/agent/b.ts → src/base/c.ts → src/agent/a.ts'])
  })

  it('types and calls close none', () => {
    const sources = new Map([
      ['src/agent/a.ts', `import { b } from './b.ts'`],
      ['src/agent/b.ts', `import type { A } from './a.ts'\nexport const load = () => import('./a.ts')`],
    ])
    expect(findCycles(sources)).toEqual([])
  })
})

describe('bans', () => {
  it.each([
    'Date.now()',
    'const a = new Date()',
    'const a = new Date',
    'performance.now()',
    'process.hrtime.bigint()',
    'setTimeout(() => {}, 1)',
    'const timer = setInterval',
    'setImmediate(a)',
    'globalThis.setTimeout(a)',
    'AbortSignal.timeout(5)',
    'Math.random()',
    `import { randomBytes } from 'node:crypto'`,
    'crypto.randomUUID()',
    'process.exit(1)',
    'process.exitCode = 1',
    'console.log(1)',
    `import { DeleteObjectCommand } from '@aws-sdk/client-s3'`,
    '// @ts-ignore',
  ])('%s is found', (source) => {
    expect(checkBans('src/bucket/s3.ts', source)).toHaveLength(1)
  })

  it.each([
    ['src/agent/a.ts', 'new Date(ms).toISOString()'],
    ['src/agent/a.ts', 'socket.setTimeout(5)'],
    ['src/agent/a.ts', 'clock.now(); clock.random()'],
    ['src/agent/a.ts', 'const setTimeoutMs = 1; const consoleWidth = 2'],
    ['src/base/clock.ts', 'Date.now(); setTimeout(a, 1); Math.random(); randomBytes(1)'],
    ['src/base/atomic-file.ts', `import { randomBytes } from 'node:crypto'`],
    ['src/bucket/s3-client.ts', `import { S3Client } from '@aws-sdk/client-s3'`],
    ['src/main.ts', 'process.exit(1)'],
  ])('%s may say %s', (path, source) => {
    expect(checkBans(path, source)).toEqual([])
  })

  it.each([
    ['src/agent/a.ts', `import { S3Client } from '@aws-sdk/client-s3'`],
    ['src/bucket/directory.ts', `const a = await import('@smithy/types')`],
    ['src/agent/a.ts', `import { setTimeout as sleep } from 'node:timers/promises'`],
    ['src/base/atomic-file.ts', 'Date.now()'],
    ['src/cli/a.ts', 'process.exit(1)'],
  ])('%s must not say %s', (path, source) => {
    expect(checkBans(path, source).length).toBeGreaterThan(0)
  })
})

describe('skips', () => {
  it.each(['it.skip(', 'describe.only(', 'it.todo('])('%s is found', (source) => {
    expect(checkSkips('test/a.test.ts', source)).toHaveLength(1)
  })

  it.each(['it.skipIf(isMac)(', 'it.runIf(isMac)(', "it('skips', () => skip.only)"])('%s is fine', (source) => {
    expect(checkSkips('test/a.test.ts', source)).toEqual([])
  })
})

describe('import time', () => {
  it.each([
    'start()',
    'await start()',
    'server.listen(0)',
    'new Server()',
    'for (const a of b) start(a)',
    'if (a) start()',
    'process.title = 1',
    'const a = await start()',
    'export const a = process.env.A',
    `const a = readFileSync('a')`,
  ])('%s is found', (source) => {
    expect(checkImportTime('src/agent/a.ts', `import { b } from './b.ts'\n\n${source}\n`)).toHaveLength(1)
  })

  it.each([
    'export function start(): void {\n  server.listen(0)\n}',
    'export class A {\n  a = new B()\n}',
    'const a = new Map([[1, 2]])\nexport const b = /x/',
    'export const a = () => process.env.A',
    'if (import.meta.main) {\n  await write()\n}',
    'const a = `\nstart()\n`',
  ])('%s is a declaration', (source) => {
    expect(checkImportTime('src/agent/a.ts', source)).toEqual([])
  })
})

describe('names and lengths', () => {
  it('a long source is found', () => {
    expect(checkLength('src/a.ts', 'a\n'.repeat(linesMax))).toEqual([])
    expect(checkLength('src/a.ts', 'a\n'.repeat(linesMax + 1))).toHaveLength(1)
  })

  it.each(['src/agent/shipFile.ts', 'src/agent/Ship.ts', 'src/agent/ship_file.ts', 'src/Agent/ship.ts'])(
    '%s is not kebab-case',
    (path) => expect(checkName(path)).toHaveLength(1),
  )

  it.each(['src/utils/a.ts', 'src/agent/helpers.ts', 'src/agent/file-manager.ts', 'test/agent/common.test.ts'])(
    '%s says nothing',
    (path) => expect(checkName(path)).toHaveLength(1),
  )

  it.each(['src/agent/ship.ts', 'test/agent/ship-file.test.ts', 'test/real/vitest.config.ts', 'src/bucket/s3.ts'])(
    '%s is fine',
    (path) => expect(checkName(path)).toEqual([]),
  )
})
