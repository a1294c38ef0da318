import { z } from 'zod'
import { fileSchema } from './schema.ts'

/** Where the generated schema is kept, from the root of the checkout. */
export const jsonSchemaFile = 'docs/agent.schema.json'

/** The JSON Schema of a configuration file, for editors. */
export function agentJsonSchema(): string {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' })
  return `${JSON.stringify({ title: 'logcask agent', ...schema }, undefined, 2)}\n`
}
