import { createRequire } from 'node:module'
import type { Block } from './extract.ts'

/**
 * Values as Terraform sends them: msgpack, in which an extension of type 0 stands for what is not known yet. Here: what the
 * configuration says stays; what only the provider knows becomes unknown, at the top of a resource.
 */
interface Msgpack {
  encode(value: unknown, options?: object): Uint8Array
  decode(bytes: Uint8Array, options?: object): unknown
  ExtData: new (type: number, data: Uint8Array) => object
}

const { encode, decode, ExtData } = createRequire(import.meta.url)('@msgpack/msgpack') as Msgpack

const unknown = new ExtData(0, new Uint8Array(1))

export function planned(block: Block, proposed: Uint8Array): Buffer {
  const value = decode(proposed, { useBigInt64: false }) as Record<string, unknown> | null
  // Going away.
  if (value === null) return Buffer.from(proposed)
  for (const { name, isConfigurable } of block.attributes) {
    const isOurs = isConfigurable && name !== 'id' && name !== 'url'
    if (!isOurs && value[name] === null) value[name] = unknown
  }
  return Buffer.from(encode(value))
}

/** What accounts say of themselves. */
const facts: Readonly<Record<string, Record<string, unknown>>> = {
  aws_caller_identity: { account_id: '111122223333', arn: 'arn:aws:iam::111122223333:root', user_id: '111122223333' },
  aws_partition: { partition: 'aws', dns_suffix: 'amazonaws.com' },
  aws_region: { region: 'eu-central-1', name: 'eu-central-1' },
}

export function withValues(block: Block, type: string, config: Uint8Array): Buffer {
  const value = decode(config) as Record<string, unknown>
  for (const { name, type: wanted } of block.attributes) {
    if (value[name] !== null && value[name] !== undefined) continue
    value[name] = facts[type]?.[name] ?? (wanted === 'string' ? `${type}.${name}` : null)
  }
  return Buffer.from(encode(value))
}
