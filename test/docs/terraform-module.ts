import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from './known-words.ts'

/** What is wrong with a `module` block: a variable that the module lacks, or one that it needs and does not get. */
export async function problemOfModule(text: string): Promise<string | undefined> {
  const source = /^ {2}source += "\.\.\/\.\.\/(modules\/[\w-]+)"/m.exec(text)?.[1]
  if (source === undefined) return `${text.split('\n')[0]}: no module of ours`
  const given = [...text.matchAll(/^ {2}(\w+) += /gm)].map(([, name = '']) => name).filter((name) => name !== 'source')
  const variables = await readFile(join(checkout, 'terraform', source, 'variables.tf'), 'utf8')
  const known = new Map(
    [...variables.matchAll(/^variable "(\w+)" \{\n([\s\S]*?)^\}/gm)].map(([, name = '', body = '']) => [name, body]),
  )
  const unknown = given.find((name) => !known.has(name))
  if (unknown !== undefined) return `${source} has no ${unknown}`
  const missing = [...known].find(([name, body]) => !/^ {2}default +=/m.test(body) && !given.includes(name))
  return missing === undefined ? undefined : `${source} needs ${missing[0]}`
}
