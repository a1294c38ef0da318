import { basename, dirname, join } from 'node:path'
import { shellWord } from '../terminal/shell-word.ts'
import { tableLines } from '../terminal/table.ts'
import type { Paint } from '../terminal/terminal.ts'
import { formatCount } from '../terminal/units.ts'
import { type Comparison, digestOf } from './demo-compare.ts'
import type { DemoStage } from './demo-stage.ts'
import { demoHost } from './demo-stage.ts'
import type { WrittenFile } from './demo-writer.ts'
import { ownCommand } from './own-command.ts'

export interface DemoResult {
  written: readonly WrittenFile[]
  places: readonly ({ name: string } & Comparison)[]
  /** Objects in the buckets that did not stay as they were. */
  rewritten: number
  isEqual: boolean
}

const differencesShown = 5

/** What was written beside what each place holds, and the verdict. */
export function resultTable(result: DemoResult, paint: Paint): string[] {
  const { written, places, rewritten } = result
  const expected = written.filter(({ bytes }) => bytes > 0)
  const digest = digestOf(expected)
  const rows = [
    ['', 'written', ...places.map(({ name }) => name)].map((cell) => paint.bold(cell)),
    [
      'bytes',
      formatCount(expected.reduce((sum, { bytes }) => sum + bytes, 0)),
      ...places.map(({ bytes }) => formatCount(bytes)),
    ],
    [
      'sha256',
      `${digest.slice(0, 8)}…`,
      ...places.map(({ sha256, isEqual }) =>
        isEqual && sha256 === digest ? paint.green('=') : paint.red(`${sha256.slice(0, 8)}… ≠`),
      ),
    ],
  ]
  const lost = sum(places.map((place) => place.lost))
  const doubled = sum(places.map((place) => place.doubled))
  const verdict = `${lost} lost · ${doubled} doubled · ${rewritten} rewritten`
  const differences = places.flatMap(({ name, differences }) => [
    ...differences.slice(0, differencesShown).map((text) => paint.red(`${name}: ${text}`)),
    ...(differences.length > differencesShown ? [`${name}: … ${differences.length - differencesShown} more`] : []),
  ])
  const what = `${formatCount(expected.length)} files, each compared with its stream`
  return [
    '',
    ...tableLines(rows, [1, ...places.map((_, at) => at + 2)]),
    ...differences,
    `${result.isEqual ? paint.green(verdict) : paint.red(verdict)} · ${what}`,
  ]
}

/** Commands that work when they are pasted. */
export function nextSteps(stage: DemoStage, env: NodeJS.ProcessEnv): string[] {
  const logcask = howToRun(env)
  const path = join(stage.directory, 'logs', stage.writer.logs[0] ?? '')
  const from = shellWord(stage.url('a'))
  return [
    '',
    'next',
    `  ${logcask} ls ${from} ${demoHost}`,
    `  ${logcask} cat ${from} ${demoHost} ${shellWord(path)} | tail -n 3`,
    `  ${logcask} why ${shellWord(`${path}.1`)} -c ${shellWord(stage.config)}`,
    `  rm -r ${shellWord(stage.directory)}`,
  ]
}

function howToRun(env: NodeJS.ProcessEnv): string {
  const started = process.argv[1] ?? ''
  const isInstalled = basename(started) === 'logcask' && (env.PATH ?? '').split(':').includes(dirname(started))
  return isInstalled ? 'logcask' : ownCommand().map(shellWord).join(' ')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
