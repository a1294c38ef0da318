/** Where the generated reference is kept, from the root of the checkout. */
export const referenceFile = 'docs/configuration.md'

/** As much of a JSON Schema as a configuration's has. */
interface Schema {
  description?: string
  default?: unknown
  examples?: readonly unknown[]
  type?: string
  pattern?: string
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: readonly string[]
}

const opening = `# Configuration

\`/etc/logcask/agent.yaml\` or \`.toml\`, with fragments in \`agent.d/\`; \`\${VARIABLE}\` and \`\${VARIABLE:-default}\` in any text. Durations are
\`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`; sizes \`64KiB\`, \`1GiB\`; rates \`20MB/s\`. An unknown setting is an error. \`logcask validate\` says what a
configuration matches and costs; SIGHUP takes a changed one while the agent runs. Made from the schema by \`npm run schema\`; for editors:
[agent.schema.json](agent.schema.json).
`

/** A page with every setting of the agent, from the JSON Schema of its file. Pure. */
export function configurationReference(schemaText: string): string {
  const schema = JSON.parse(schemaText) as Schema
  return `${[opening, ...sections('The agent', '', schema)].join('\n')}`
}

/** A table for each group of settings, groups within after the one that has them. */
function sections(title: string, path: string, { properties = {}, required = [] }: Schema): string[] {
  const rows = Object.entries(properties).map(([name, one]) => rowOf(name, one, required.includes(name)))
  const table = ['| setting | value | what it does |', '|---|---|---|', ...rows]
  const inner = Object.entries(properties).flatMap(([name, one]) => {
    const isList = one.type === 'array'
    const held = isList ? one.items : one
    if (held?.properties === undefined) return []
    const at = `${path}${name}${isList ? '[]' : ''}`
    return sections(`\`${at}\``, `${at}.`, held)
  })
  return [`## ${title}`, '', ...table, '', ...inner]
}

function rowOf(name: string, schema: Schema, isRequired: boolean): string {
  const { description = '', default: fallback, examples } = schema
  const said = [
    isRequired ? 'Required.' : '',
    description === '' || /[.:]$/.test(description) ? description : `${description}.`,
    fallback === undefined || /Default:/.test(description) ? '' : `Default: \`${textOf(fallback)}\`.`,
    examples?.[0] === undefined ? '' : `Example: \`${textOf(examples[0])}\`.`,
  ]
  return `| \`${name}\` | ${cell(shapeOf(schema))} | ${cell(said.filter((part) => part !== '').join(' '))} |`
}

function shapeOf({ enum: choices, anyOf, type, pattern = '', items, properties }: Schema): string {
  if (choices !== undefined) return choices.map((one) => `\`${textOf(one)}\``).join(', ')
  if (anyOf !== undefined) return [...new Set(anyOf.map(shapeOf))].join(', or ')
  if (type === 'array') return items?.properties ? 'a list: below' : `a list of: ${shapeOf(items ?? {})}`
  if (type === 'boolean') return '`true`, `false`'
  if (properties !== undefined) return `\`{ ${Object.keys(properties).join(', ')} }\``
  if (type === 'object') return 'names and values'
  if (pattern.includes('ms|[smhd]')) return 'a duration'
  return pattern.startsWith('^\\/') ? 'an absolute path' : type === 'string' ? 'text' : (type ?? 'text')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
