import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * The provider's schema, read out of the classes that CDKTF generated from it (@cdktf/provider-aws, MPL-2.0): a dev
 * dependency that stays in node_modules; nothing of it is committed. What it does not tell: which optional attributes
 * are computed as well (all count as such), and what the provider's own validators ask for.
 */
export interface Block {
  attributes: Attribute[]
  blocks: NestedBlock[]
}

export interface Attribute {
  name: string
  /** As Terraform writes types: `"string"`, `["list","string"]`, `["list",["object",{…}]]`. */
  type: unknown
  isRequired: boolean
  /** False: only the provider sets it. */
  isConfigurable: boolean
}

export interface NestedBlock {
  name: string
  nesting: 'single' | 'list' | 'set'
  isRequired: boolean
  block: Block
}

export type Kind = 'resource' | 'data' | 'provider'

const library = join(dirname(createRequire(import.meta.url).resolve('@cdktf/provider-aws')))

/** Throws for a type that the provider does not have. */
export function extractSchema(kind: Kind, type: string): Block {
  const room = kind === 'provider' ? 'provider' : `${kind === 'data' ? 'data-' : ''}${dashed(kind, type)}`
  if (!existsSync(join(library, room))) throw new Error(`the provider has no ${kind} ${type}`)
  const code = readFileSync(join(library, room, 'index.js'), 'utf8')
  const declarations = readFileSync(join(library, room, 'index.d.ts'), 'utf8')
  const main = /class (\w+) extends cdktf\.Terraform(?:Resource|DataSource|Provider) /.exec(code)
  if (main?.[1] === undefined) throw new Error(`${room}: no class`)
  const body = code.slice(main.index)
  const attributes = body.slice(body.indexOf('synthesizeHclAttributes()'))
  return readBlock({ code, declarations }, attributes, `${main[1]}Config`, body, kind === 'provider')
}

function dashed(kind: Kind, type: string): string {
  return (kind === 'data' ? type : type.replace(/^aws_/, '')).replaceAll('_', '-')
}

interface Source {
  code: string
  declarations: string
}

const entry = /(\w+): \{\s*value: (.+),\s*isBlock: (true|false),\s*type: "(\w+)",\s*storageClassType: "(\w+)",?\s*\}/g

function readBlock(source: Source, listing: string, contract: string, owner: string, isProvider = false): Block {
  const end = listing.indexOf('// remove undefined attributes')
  const block: Block = { attributes: [], blocks: [] }
  for (const [, name = '', value = '', isBlock, type = '', storage = ''] of listing.slice(0, end).matchAll(entry)) {
    const isRequired = hasRequired(source.declarations, contract, name)
    const nested = /(\w+)ToHclTerraform\b/.exec(value.replaceAll('cdktf.', ''))?.[1]
    const isOwn = nested !== undefined && source.code.includes(`function ${nested}ToHclTerraform(`)
    if (isBlock === 'true' && isOwn) {
      const inner = source.code.slice(source.code.indexOf(`function ${nested}ToHclTerraform(`))
      const nesting = type === 'struct' ? 'single' : type === 'set' ? 'set' : 'list'
      const name_ = nested.charAt(0).toUpperCase() + nested.slice(1)
      const reference = classBody(source.code, `${name_}OutputReference`)
      block.blocks.push({ name, nesting, isRequired, block: readBlock(source, inner, name_, reference) })
    } else {
      block.attributes.push({ name, type: typeOf(type, storage), isRequired, isConfigurable: true })
    }
  }
  if (!isProvider) block.attributes.push(...computedOf(source, owner, block))
  return block
}

function classBody(code: string, name: string): string {
  const start = code.indexOf(`class ${name} extends`)
  if (start < 0) return ''
  const end = code.indexOf('\nclass ', start + 1)
  return code.slice(start, end < 0 ? undefined : end)
}

/** In the declarations a required property has no question mark. */
function hasRequired(declarations: string, contract: string, name: string): boolean {
  const start = declarations.search(new RegExp(`export interface ${contract}\\b`))
  const text = declarations.slice(start, declarations.indexOf('\n}', start))
  const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return start >= 0 && new RegExp(`readonly ${camel}: `).test(text)
}

function typeOf(kind: string, storage: string): unknown {
  const scalar = { string: 'string', number: 'number', boolean: 'bool' } as const
  if (kind === 'simple') return scalar[storage as keyof typeof scalar] ?? 'dynamic'
  const of = scalar[storage.replace(/(List|Map)$/, '') as keyof typeof scalar] ?? 'string'
  // A map of lists is the one kind of collection in a collection that there is.
  if (storage.endsWith('ListMap')) return ['map', ['list', 'string']]
  return [kind === 'map' ? 'map' : kind === 'set' ? 'set' : 'list', of]
}

const readers: Readonly<Record<string, unknown>> = {
  StringAttribute: 'string',
  NumberAttribute: 'number',
  BooleanAttribute: 'bool',
  ListAttribute: ['list', 'string'],
  NumberListAttribute: ['list', 'number'],
}

/** Getters of what nobody can set. */
function computedOf(source: Source, owner: string, block: Block): Attribute[] {
  const known = new Set([...block.attributes, ...block.blocks].map(({ name }) => name))
  const found = new Map<string, unknown>()
  for (const [, reader = '', name = ''] of owner.matchAll(/this\.get(\w+)\('(\w+)'\)/g))
    found.set(name, readers[reader])
  for (const [, map = '', name = ''] of owner.matchAll(/= new cdktf\.(\w+)Map\(this, "(\w+)"\)/g))
    found.set(name, ['map', map.toLowerCase() === 'string' ? 'string' : map.toLowerCase()])
  for (const [, name_ = '', name = ''] of owner.matchAll(/= new (\w+)List\(this, "(\w+)", \w+\)/g)) {
    const reference = classBody(source.code, `${name_}OutputReference`)
    if (known.has(name) || reference === '') continue
    const inner = computedOf(source, reference, { attributes: [], blocks: [] })
    found.set(name, [
      'list',
      ['object', Object.fromEntries(inner.map((attribute) => [attribute.name, attribute.type]))],
    ])
  }
  return [...found]
    .filter(([name, type]) => !known.has(name) && type !== undefined)
    .map(([name, type]) => ({ name, type, isRequired: false, isConfigurable: false }))
}
