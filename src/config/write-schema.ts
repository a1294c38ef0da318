import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { agentJsonSchema, jsonSchemaFile } from './json-schema.ts'
import { configurationReference, referenceFile } from './reference.ts'

/** `npm run schema`: brings the committed JSON Schema, and the reference that is made from it, up to date. */
if (import.meta.main) {
  const schema = agentJsonSchema()
  for (const [file, text] of [
    [jsonSchemaFile, schema],
    [referenceFile, configurationReference(schema)],
  ] as const) {
    const path = fileURLToPath(new URL(`../../${file}`, import.meta.url))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}
