import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { roomsIn, terraformDirectory } from './terraform.ts'

/**
 * The tables of variables and outputs at the end of each README, out of the HCL: `node readme.ts` writes them, the test compares.
 */
const begin = '<!-- made by terraform/test/readme.ts -->\n'

export function readmeOf(room: string): { path: string; is: string; should: string } {
  const path = join(terraformDirectory, room, 'README.md')
  const is = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const own = is.split(begin)[0]?.trimEnd() ?? ''
  const tables = [inputs(room), outputs(room)].filter((text) => text !== '').join('\n')
  return { path, is, should: `${own}\n\n${begin}\n${tables}` }
}

function inputs(room: string): string {
  const rows = blocks(room, 'variables.tf').map(({ name, body }) => {
    const type = /^ {2}type += ([\s\S]*?)(?=^ {2}\w|^\}|$(?![\s\S]))/m.exec(body)?.[1]?.trim() ?? ''
    const given = /^ {2}default += ([\s\S]*?)(?=^ {2}\w+ |$(?![\s\S]))/m.exec(body)?.[1]
    const kind = type.includes('\n') ? (type.startsWith('list') ? 'list(object)' : 'object') : type
    return `| \`${name}\` | \`${kind}\` | ${given === undefined ? 'required' : `\`${oneLine(given)}\``} | ${descriptionOf(body)} |`
  })
  return rows.length === 0 ? '' : `| variable | type | default | |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

function outputs(room: string): string {
  const rows = blocks(room, 'outputs.tf').map(({ name, body }) => `| \`${name}\` | ${descriptionOf(body)} |`)
  return rows.length === 0 ? '' : `| output | |\n|---|---|\n${rows.join('\n')}\n`
}

function blocks(room: string, file: string): { name: string; body: string }[] {
  const path = join(terraformDirectory, room, file)
  if (!existsSync(path)) return []
  const found = readFileSync(path, 'utf8').matchAll(/^(?:variable|output) "(\w+)" \{\n([\s\S]*?)^\}/gm)
  return [...found].map(([, name = '', body = '']) => ({ name, body }))
}

function descriptionOf(body: string): string {
  const text = /^ {2}description += "(.*)"$/m.exec(body)?.[1] ?? ''
  return text.replaceAll('$${', '${').replaceAll('\\"', '"').replaceAll('|', '\\|')
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').replaceAll('$${', '${')
}

if (process.argv[1] === import.meta.filename) {
  for (const room of ['modules', 'examples'].flatMap((one) => roomsIn(terraformDirectory, one))) {
    const { path, should } = readmeOf(room)
    writeFileSync(path, should)
  }
}
