import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { frameOptions } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { commandLine } from './run-command-line.ts'

const names = Object.keys(commands)

function find(shell: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(':')
    .map((directory) => join(directory, shell))
    .find((path) => existsSync(path))
}

const [bash, zsh, fish] = ['bash', 'zsh', 'fish'].map(find)

/** The script in a file, and a directory to stand in with two entries. */
async function setUp(shell: string) {
  const { code, stdout, stderr } = await commandLine(['completion', shell])
  expect([code, stderr]).toEqual([0, ''])
  const directory = await tempDirectory('completion')
  const script = join(directory, `logcask.${shell}`)
  await writeFile(script, stdout)
  await writeFile(join(directory, 'agent.yaml'), '')
  return { directory, script, text: stdout }
}

describe.skipIf(bash === undefined)('bash (not run where there is no bash)', () => {
  async function complete(...words: string[]): Promise<string[]> {
    const { directory, script } = await setUp('bash')
    const program = `source ${script}
COMP_WORDS=(logcask "$@"); COMP_CWORD=$#
_logcask; printf '%s\\n' "\${COMPREPLY[@]}"`
    const out = execFileSync(bash!, ['--norc', '-c', program, 'bash', ...words], { cwd: directory, encoding: 'utf8' })
    return out.split('\n').filter((line) => line !== '')
  }

  it('completes commands', async () => {
    expect(await complete('c')).toEqual(names.filter((name) => name.startsWith('c')))
    expect((await complete('')).toSorted()).toEqual([...names, 'help', '--help', '--version'].toSorted())
    expect(await complete('help', 'gr')).toEqual(['grep'])
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish'])
  })

  it.each(names)('completes every option of %s', async (name) => {
    const { command } = await commands[name]!.load()
    const long = Object.keys({ ...command.options, ...frameOptions }).map((option) => `--${option}`)
    expect((await complete(name, '--')).toSorted()).toEqual(long.toSorted())
  })

  it('completes files where files are meant, and nothing where nobody knows', async () => {
    expect(await complete('agent', '--config', 'ag')).toEqual(['agent.yaml'])
    expect(await complete('agent', '-c', 'ag')).toEqual(['agent.yaml'])
    expect(await complete('ship', 'ag')).toEqual(['agent.yaml'])
    expect(await complete('cat', '--range', 'a')).toEqual([])
    expect(await complete('unknown', '--')).toEqual([])
  })
})

describe.skipIf(zsh === undefined)('zsh (not run where there is no zsh)', () => {
  it('reads the script, and knows the function', async () => {
    const { script } = await setUp('zsh')
    const program = `autoload -Uz compinit && compinit -u -D && source ${script} && print -- $_comps[logcask]`
    expect(execFileSync(zsh!, ['-f', '-c', program], { encoding: 'utf8' })).toBe('_logcask\n')
  })

  it('hands each option of each command over', async () => {
    const { text } = await setUp('zsh')
    for (const name of names) {
      const { command } = await commands[name]!.load()
      const section =
        new RegExp(`^ {6}${name}\\)\\n([^]*?)^ {8};;`.replace('[^]', '[\\s\\S]'), 'm').exec(text)?.[1] ?? ''
      for (const option of Object.keys(command.options)) expect(section).toContain(`--${option}[`)
    }
  })
})

describe.skipIf(fish === undefined)('fish (not run where there is no fish)', () => {
  it('completes commands and options, with what they are for', async () => {
    const { directory, script } = await setUp('fish')
    const complete = (line: string): string[] =>
      execFileSync(fish!, ['--no-config', '-c', `source ${script}; complete -C '${line}'`], {
        cwd: directory,
        encoding: 'utf8',
        env: { ...process.env, HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory },
      })
        .split('\n')
        .filter((one) => one !== '')
    expect(complete('logcask gre')).toEqual([`grep\t${commands.grep?.summary}`])
    expect(complete('logcask cat --foll')).toEqual([expect.stringMatching(/^--follow\tgoes on/)])
    expect(complete('logcask completion z')).toEqual(['zsh'])
  })
})

it('for any other shell is wrong usage', async () => {
  expect(await commandLine(['completion', 'csh'])).toMatchObject({ code: 2 })
  expect(await commandLine(['completion'])).toMatchObject({ code: 2 })
})
