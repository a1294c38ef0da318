import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { agentJsonSchema, jsonSchemaFile } from '../../src/config/json-schema.ts'

describe('the JSON Schema', () => {
  it('is current: npm run schema writes it', async () => {
    const committed = await readFile(new URL(`../../${jsonSchemaFile}`, import.meta.url), 'utf8')
    expect(JSON.parse(committed)).toEqual(JSON.parse(agentJsonSchema()))
  })

  it('describes every setting that it allows', () => {
    const schema = JSON.parse(agentJsonSchema())
    expect(schema.additionalProperties).toBe(false)
    const plain = ['region', 'level']
    const missing: string[] = []
    const visit = (name: string, node: Record<string, unknown>): void => {
      if (node.description === undefined && !plain.includes(name)) missing.push(name)
      for (const [key, value] of Object.entries((node.properties ?? {}) as Record<string, Record<string, unknown>>))
        visit(key, value)
      const item = node.items as Record<string, unknown> | undefined
      if (item?.properties) visit('items', item)
    }
    visit('root', schema)
    expect(missing).toEqual([])
  })
})
