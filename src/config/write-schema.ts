import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { agentJsonSchema, jsonSchemaFile } from './json-schema.ts'

/** `npm run schema`: brings the committed JSON Schema up to date. */
if (import.meta.main) {
  const path = fileURLToPath(new URL(`../../${jsonSchemaFile}`, import.meta.url))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, agentJsonSchema())
}
