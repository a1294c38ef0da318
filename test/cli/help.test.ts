import { describe, expect, it } from 'vitest'
import { frameOptions } from '../../src/cli/command.ts'
import { parseOptions } from '../../src/cli/command-line.ts'
import { commands } from '../../src/cli/commands.ts'
import { commandLine } from './run-command-line.ts'

const names = Object.keys(commands)

describe('help', () => {
  it('lists every command with a few words', async () => {
    const { code, stdout } = await commandLine(['--help'])
    expect(code).toBe(0)
    for (const name of names) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S.{10,}[^.]$`, 'm'))
  })

  it('is the answer to no command at all, with exit 2', async () => {
    const asked = await commandLine(['--help'])
    expect(await commandLine([])).toEqual({ ...asked, code: 2 })
  })

  it.each(names)('of %s is the same in every way to ask for it', async (name) => {
    const asked = await commandLine(['help', name])
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(await commandLine([name, '--help'])).toEqual(asked)
    expect(await commandLine([name, '-h'])).toEqual(asked)
    expect(await commandLine(['--help', name])).toEqual(asked)
  })

  it.each(names)('of %s has its usage, its options and examples, each line short enough to read', async (name) => {
    const { stdout } = await commandLine(['help', name])
    const { command } = await commands[name]!.load()
    expect(command.name).toBe(name)
    expect(stdout).toMatch(new RegExp(`^logcask ${name}\\b`, 'm'))
    expect(stdout).toContain('Examples\n')
    for (const option of Object.keys({ ...command.options, ...frameOptions })) expect(stdout).toContain(`--${option}`)
    expect(stdout.split('\n').filter((line) => line.length > 120)).toEqual([])
  })

  it.each(names)('of %s has examples of it, and all that it shows are read without an error', async (name) => {
    const { command } = await commands[name]!.load()
    const shown = [...command.help.matchAll(/(?:^ {2}|&& |; |\| )logcask ([a-z]+)((?: (?![ |;&#])[^\s;|]+)*)/gm)]
    expect(shown.map(([, shownName]) => shownName)).toContain(name)
    for (const [, shownName = '', words = ''] of shown) {
      const known = await commands[shownName]?.load()
      if (known) expect(() => parseOptions(known.command, words.trim().split(' '))).not.toThrow()
    }
  })

  it('of an unknown command says so', async () => {
    expect(await commandLine(['help', 'doktor'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown command doktor (did you mean doctor?)'),
    })
  })

  it('loads no command to list them', async () => {
    const neverLoaded = {
      work: { summary: 'never loaded', load: () => Promise.reject(new Error('loaded')) },
    }
    const { code, stdout } = await commandLine(['--help'], { commands: neverLoaded })
    expect(code).toBe(0)
    expect(stdout).toContain('never loaded')
  })
})
