import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Block, extractSchema, type Kind } from './extract.ts'
import { planned, withValues } from './planned.ts'
import { protocol } from './protocol.ts'

/**
 * Stands in for the AWS provider: has its schema, plans what the configuration says, leaves the rest unknown, and does
 * nothing. Terraform is told to use it instead of a download by TF_REATTACH_PROVIDERS.
 */
export interface StandIn {
  environment: Record<string, string>
  stop(): void
}

export const providerAddress = 'registry.terraform.io/hashicorp/aws'

interface Value {
  msgpack: Buffer
  json: Buffer
}

/** All that any request has that is looked at. */
interface Asked {
  typeName: string
  config: Value
  rawState: Value
  currentState: Value
  proposedNewState: Value
}

type Call = { request: Asked }
type Answer = (error: Error | null, answer?: object) => void

const require = createRequire(import.meta.url)

export async function serveProvider(types: ReadonlyMap<Kind, ReadonlySet<string>>): Promise<StandIn> {
  // Typed by hand where it is used: the two packages are there only where the tests were installed.
  const grpc = require('@grpc/grpc-js')
  const loader = require('@grpc/proto-loader')
  const schemas = { resource: read(types, 'resource'), data: read(types, 'data') }
  const definition = loader.fromJSON(protocol, { defaults: true, longs: Number })
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 })
  server.addService(definition['tfplugin6.Provider'], handlers(schemas))

  const directory = mkdtempSync(join(tmpdir(), 'logcask-tf-'))
  const socket = join(directory, 'provider.sock')
  await new Promise<void>((resolve, reject) => {
    const insecure = grpc.ServerCredentials.createInsecure()
    server.bindAsync(`unix:${socket}`, insecure, (error: Error | null) => (error ? reject(error) : resolve()))
  })
  const reattach = {
    [providerAddress]: {
      Protocol: 'grpc',
      ProtocolVersion: 6,
      Pid: process.pid,
      Test: true,
      Addr: { Network: 'unix', String: socket },
    },
  }
  return {
    environment: { TF_REATTACH_PROVIDERS: JSON.stringify(reattach) },
    stop() {
      server.forceShutdown()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function read(types: ReadonlyMap<Kind, ReadonlySet<string>>, kind: 'resource' | 'data'): Map<string, Block> {
  return new Map([...(types.get(kind) ?? [])].map((type) => [type, extractSchema(kind, type)]))
}

function handlers(schemas: Record<'resource' | 'data', Map<string, Block>>): Record<string, unknown> {
  const nothing = (_: Call, answer: Answer): void => answer(null, {})
  const blockOf = (kind: 'resource' | 'data', type: string): Block => {
    const block = schemas[kind].get(type)
    if (block === undefined) throw new Error(`no schema of ${kind} ${type}`)
    return block
  }
  const answering =
    (work: (request: Asked) => object) =>
    ({ request }: Call, answer: Answer): void => {
      try {
        answer(null, work(request))
      } catch (error) {
        answer(error as Error)
      }
    }
  return {
    GetProviderSchema: answering(() => ({
      provider: { version: 0, block: wire(extractSchema('provider', 'aws')) },
      resourceSchemas: wireAll(schemas.resource),
      dataSourceSchemas: wireAll(schemas.data),
    })),
    ValidateProviderConfig: nothing,
    ValidateResourceConfig: nothing,
    ValidateDataResourceConfig: nothing,
    ConfigureProvider: nothing,
    StopProvider: nothing,
    UpgradeResourceState: answering(({ rawState }) => ({
      upgradedState: { json: rawState.json },
    })),
    ReadResource: answering(({ currentState }) => ({ newState: currentState })),
    PlanResourceChange: answering(({ typeName, proposedNewState }) => ({
      plannedState: { msgpack: planned(blockOf('resource', typeName), proposedNewState.msgpack) },
    })),
    ReadDataSource: answering(({ typeName, config }) => ({
      state: { msgpack: withValues(blockOf('data', typeName), typeName, config.msgpack) },
    })),
  }
}

function wireAll(blocks: Map<string, Block>): Record<string, object> {
  return Object.fromEntries([...blocks].map(([type, block]) => [type, { version: 0, block: wire(block) }]))
}

const nestings = { single: 1, list: 2, set: 3 } as const

function wire(block: Block): object {
  return {
    version: 0,
    attributes: block.attributes.map(({ name, type, isRequired, isConfigurable }) => ({
      name,
      type: Buffer.from(JSON.stringify(type)),
      required: isRequired,
      optional: isConfigurable && !isRequired,
      // Which of the optional ones the provider fills in is not known: Terraform then believes any answer.
      computed: !isRequired,
    })),
    blockTypes: block.blocks.map(({ name, nesting, isRequired, block: inner }) => ({
      typeName: name,
      block: wire(inner),
      nesting: nestings[nesting],
      minItems: isRequired && nesting !== 'single' ? 1 : 0,
      maxItems: 0,
    })),
  }
}
