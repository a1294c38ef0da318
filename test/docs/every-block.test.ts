import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseOptions } from '../../src/cli/command-line.ts'
import { configurationsOf, loadConfiguration } from './configurations.ts'
import { checkout, loadKnown } from './known-words.ts'
import { cronCommands } from './page.ts'
import { blocksOf, blocksOfAllPages, type PageBlock, placeOf } from './page-blocks.ts'
import { linesOf, ourCommands } from './shell-text.ts'
import { problemOfModule } from './terraform-module.ts'
import { followed, isOf, isPicture, notRun, runnerOf, type Which } from './ways.ts'

const blocks = await blocksOfAllPages()
const known = await loadKnown()

/** Command lines of ours in a block, in whatever form it has them. */
function commandsOf({ kind, text }: PageBlock): string[][] {
  if (kind === 'cron') return cronCommands(text).flatMap(ourCommands)
  const array = [...text.matchAll(/\["logcask", (.*)\]/g)].map(([, words]) => JSON.parse(`[${words}]`) as string[])
  return [...ourCommands(text), ...array]
}

function problemOfCommand([name = '', ...words]: string[]): string | undefined {
  if (name === '--version') return undefined
  const command = known.commands.get(name)
  if (command === undefined) return `${name}: no such command`
  try {
    parseOptions(command, words)
    return undefined
  } catch (error) {
    return `${name}: ${String(error)}`
  }
}

/** Files of the checkout, scripts and outputs that a block names, and that are not there. */
function missingIn({ page, text }: PageBlock): string[] {
  const script = linesOf(text).join('\n')
  const room = join(checkout, /^cd (\S+)$/m.exec(script)?.[1] ?? dirname(page))
  const named = [
    ...script.matchAll(/(?<![\w/.:-])(?:packaging|terraform|localstack|docs|test|examples|src)\/[\w./-]+/g),
  ]
  const copied = [...script.matchAll(/^cp ([\w.-]+) /gm)].map(([, file = '']) => join(room, file))
  const scripts = [...script.matchAll(/npm (?:run )?(\w[\w:-]*)/g)].map(([, name = '']) => name)
  const outputs = [...script.matchAll(/terraform output -raw (\w+)/g)].map(([, name = '']) => name)
  return [
    ...named.map(([path]) => join(checkout, path)).filter((path) => !existsSync(path)),
    ...copied.filter((path) => !existsSync(path)),
    ...scripts.filter((name) => !['ci', 'install', 'pack', ...known.scripts].includes(name)),
    ...outputs.filter((name) => !outputsBelow(room).has(name)),
  ]
}

function outputsBelow(room: string): Set<string> {
  const files = room.includes('terraform/') ? [room] : ['on-premises', 'single-region'].map(example)
  const texts = files.map((one) => readFileSync(join(one, 'outputs.tf'), 'utf8'))
  return new Set(texts.flatMap((text) => [...text.matchAll(/^output "(\w+)"/gm)].map(([, name = '']) => name)))
}

const example = (name: string): string => join(checkout, 'terraform/examples', name)

describe('every block of every page', () => {
  it('is run by a test, loaded as a configuration, or in the table of those that cannot be', () => {
    const nobodys = blocks.filter(
      (block) =>
        runnerOf(block) === undefined &&
        !notRun.some((entry) => isOf(block, entry)) &&
        !(/^(?:yaml|toml)$/.test(block.kind) && configurationsOf(block).length > 0) &&
        !isPicture(block),
    )
    expect(nobodys.map(placeOf)).toEqual([])
    expect(blocks.length).toBeGreaterThan(100)
  })

  it('has command lines that our parser takes', () => {
    const problems = blocks.flatMap((block) =>
      commandsOf(block).flatMap((words) => {
        const problem = problemOfCommand(words)
        return problem === undefined ? [] : `${placeOf(block)}: ${problem}`
      }),
    )
    expect(problems).toEqual([])
    expect(blocks.flatMap(commandsOf).length).toBeGreaterThan(100)
  })

  it('names files, scripts and outputs that are there', () => {
    expect(blocks.flatMap((block) => missingIn(block).map((one) => `${placeOf(block)}: ${one}`))).toEqual([])
  })

  const configurations = blocks.flatMap((block) =>
    configurationsOf(block).map((configuration) => ({ place: placeOf(block), configuration })),
  )
  it.each(configurations)('$place: the $configuration.kind loads it', async ({ configuration }) => {
    await loadConfiguration(configuration)
  })

  it('the walk has seen configurations of both kinds, and in scripts', () => {
    const seen = configurations.map(({ place, configuration }) => `${place.split(':')[0]} ${configuration.kind}`)
    expect(seen).toEqual(
      expect.arrayContaining([
        'README.md agent',
        'docs/server.md server',
        'docs/install.md agent',
        'docs/install.md server',
      ]),
    )
    expect(seen.length).toBeGreaterThan(12)
  })

  it.each(blocks.filter(({ kind }) => kind === 'json').map((block) => ({ place: placeOf(block), block })))(
    '$place: is JSON',
    ({ block }) => void JSON.parse(block.text),
  )

  it('gives modules of Terraform the variables that they have, and all that they need', async () => {
    const modules = blocks
      .filter(({ kind }) => kind === 'hcl')
      .flatMap(({ text }) => text.match(/^module [\s\S]*?^\}/gm) ?? [])
    expect(modules.length).toBeGreaterThan(3)
    expect((await Promise.all(modules.map(problemOfModule))).filter((one) => one !== undefined)).toEqual([])
  })
})

const nameOf = ({ page, section, has }: Which): string =>
  [page, section, has].filter((one) => typeof one === 'string').join(': ')

describe('the tables', () => {
  const entries = [...followed, ...notRun].map((entry) => ({ entry, name: nameOf(entry) }))
  it.each(entries)('$name: there is such a block, for which no other entry stands', ({ entry }) => {
    const first = [...notRun, ...followed]
    const own = blocks.filter((block) => first.find((one) => isOf(block, one)) === entry)
    expect(own.filter((block) => !isPicture(block)).length).toBeGreaterThan(0)
  })

  const readers = followed.map((entry) => ({ ...entry, name: nameOf(entry) }))
  it.each(readers)('$name: $by takes them from the page', async ({ page, by, takes }) => {
    const text = await readFile(join(checkout, by), 'utf8')
    const read = by.startsWith('packaging/') ? 'install-page.ts' : page.split('/').at(-1)
    expect(text).toContain(takes)
    expect(text).toContain(read?.replace('.md', ''))
  })
})

describe('the walk along the pages', () => {
  const block = (text: string, kind = 'sh'): PageBlock => ({
    page: 'README.md',
    line: 1,
    section: '',
    heading: '',
    kind,
    text,
  })

  it('knows a block by its headings', () => {
    const page = '# A\n```sh\na\n```\n## B\n### C\n```yaml\nb: 1\n```\n'
    expect(blocksOf('x.md', page)).toEqual([
      { page: 'x.md', line: 2, section: '', heading: 'A', kind: 'sh', text: 'a\n' },
      { page: 'x.md', line: 7, section: 'B', heading: 'C', kind: 'yaml', text: 'b: 1\n' },
    ])
    expect(() => blocksOf('x.md', '```sh\na\n')).toThrow('without an end')
  })

  it.each([
    ['logcask ls s3://a | tail', [['ls', 's3://a']]],
    ['a && logcask cat \'s3://a b\' "$(hostname)" x # logcask ship', [['cat', 's3://a b', '$(hostname)', 'x']]],
    ['x=$(logcask ls s3://a --json | sed s/a/b/)', [['ls', 's3://a', '--json']]],
    ['logcask ship - \\\n  --to s3://a > out\nlogcask status', [['ship', '-', '--to', 's3://a'], ['status']]],
    ['docker run --name logcask agent\nsystemctl stop logcask\n# logcask shop', []],
    ['docker run -v a:/b logcask agent', [['agent']]],
    ['  logcask drain --timeout 5m || true', [['drain', '--timeout', '5m']]],
  ])('finds the command lines in %j', (script, commands) => {
    expect(ourCommands(script)).toEqual(commands)
  })

  it.each([
    ['an option that is not there', 'ship a --two b', '--two'],
    ['a command that is not there', 'shop a', 'no such command'],
    ['an option without its value', 'ship a --to', 'needs a value'],
  ])('finds %s', (_, line, problem) => {
    expect(commandsOf(block(`logcask ${line}`)).map(problemOfCommand)).toEqual([expect.stringContaining(problem)])
  })

  it.each([
    ['localstack/sideways', 'localstack/sideways'],
    ['cd terraform/examples/single-region\ncp none.example here', 'none.example'],
    ['npm run away', 'away'],
    ['cd terraform/examples/single-region\nterraform output -raw agent_toml', 'agent_toml'],
  ])('finds what is missing in %j', (script, what) => {
    expect(missingIn(block(script))).toEqual([expect.stringContaining(what)])
  })

  it.each([
    ['yaml', 'sauces: []\nhost: a\n'],
    ['yaml', 'destinations: [{ url: "s3://a", regoin: b }]\n'],
    ['toml', '[[sources]]\nname = "a"\ninclude = "a"\n'],
    ['yaml', 'from: s3://a\nlisten: 0.0.0.0:1\ntokens: [{ name: a }]\n'],
    ['sh', "cat > /etc/logcask/server.yaml <<'EOF'\nform: s3://a\nlisten: 127.0.0.1:1\nEOF\n"],
    ['sh', "cat > /etc/logcask/agent.d/a.yaml <<'EOF'\nsources: [{ name: a }]\nEOF\n"],
  ])('a %s block with a mistake is not loaded', async (kind, text) => {
    const [configuration] = configurationsOf({ kind, text })
    await expect(loadConfiguration(configuration!)).rejects.toThrow()
  })

  it('a fragment is loaded with what it lacks; what is not ours is not', async () => {
    const [fragment] = configurationsOf({ kind: 'yaml', text: `spool: 2GiB\nhost: "$\{NAME}"\n` })
    expect(await loadConfiguration(fragment!)).toMatchObject({ host: 'set', sources: [{ name: 'any' }] })
    expect(configurationsOf({ kind: 'yaml', text: 'rule_files: [a]\n' })).toEqual([])
  })
})
