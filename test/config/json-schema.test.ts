import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { agentJsonSchema, jsonSchemaFile } from '../../src/config/json-schema.ts'
import { configurationReference, referenceFile } from '../../src/config/reference.ts'

describe('the JSON Schema', () => {
  it('is current: npm run schema writes it', async () => {
    const committed = await readFile(new URL(`../../${jsonSchemaFile}`, import.meta.url), 'utf8')
    expect(JSON.parse(committed)).toEqual(JSON.parse(agentJsonSchema()))
  })

  it('the reference is current, and names every setting: npm run schema writes it', async () => {
    const schema = agentJsonSchema()
    const reference = configurationReference(schema)
    expect(await readFile(new URL(`../../${referenceFile}`, import.meta.url), 'utf8')).toBe(reference)
    const names = [...schema.matchAll(/^ {2,12}"(\w+)": \{$/gm)].flatMap(([, name]) => name ?? [])
    const settings = names.filter(
      (name) => !['properties', 'items', 'propertyNames', 'additionalProperties'].includes(name),
    )
    expect(settings.length).toBeGreaterThan(50)
    expect(settings.filter((name) => !reference.includes(`\`${name}\``))).toEqual([])
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
