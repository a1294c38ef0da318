/**
 * The part of Terraform's plugin protocol 6 that a provider needs which plans and stores nothing: names and field
 * numbers, as protobufjs reads them. https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol
 */
const message = (fields: Record<string, [number, string]>): object => ({
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, [id, type]]) => {
      const [, repeated, of] = /^(\[\])?(.+)$/.exec(type) ?? []
      return [name, { id, type: of, ...(repeated ? { rule: 'repeated' } : {}) }]
    }),
  ),
})

const diagnostics = (id: number): Record<string, [number, string]> => ({ diagnostics: [id, '[]Diagnostic'] })

const messages: Record<string, object> = {
  Empty: message({}),
  DynamicValue: message({ msgpack: [1, 'bytes'], json: [2, 'bytes'] }),
  Diagnostic: message({ severity: [1, 'int32'], summary: [2, 'string'], detail: [3, 'string'] }),
  Schema: message({ version: [1, 'int64'], block: [2, 'Block'] }),
  Block: message({ version: [1, 'int64'], attributes: [2, '[]Attribute'], blockTypes: [3, '[]NestedBlock'] }),
  Attribute: message({
    name: [1, 'string'],
    type: [2, 'bytes'],
    required: [4, 'bool'],
    optional: [5, 'bool'],
    computed: [6, 'bool'],
  }),
  NestedBlock: message({
    typeName: [1, 'string'],
    block: [2, 'Block'],
    nesting: [3, 'int32'],
    minItems: [4, 'int64'],
    maxItems: [5, 'int64'],
  }),
  SchemaAnswer: {
    fields: {
      provider: { id: 1, type: 'Schema' },
      resourceSchemas: { id: 2, keyType: 'string', type: 'Schema' },
      dataSourceSchemas: { id: 3, keyType: 'string', type: 'Schema' },
      diagnostics: { id: 4, type: 'Diagnostic', rule: 'repeated' },
    },
  },
  Diagnostics: message(diagnostics(1)),
  UpgradeAsked: message({ typeName: [1, 'string'], version: [2, 'int64'], rawState: [3, 'RawState'] }),
  RawState: message({ json: [1, 'bytes'] }),
  UpgradeAnswer: message({ upgradedState: [1, 'DynamicValue'], ...diagnostics(2) }),
  ReadAsked: message({ typeName: [1, 'string'], currentState: [2, 'DynamicValue'] }),
  ReadAnswer: message({ newState: [1, 'DynamicValue'], ...diagnostics(2) }),
  PlanAsked: message({
    typeName: [1, 'string'],
    priorState: [2, 'DynamicValue'],
    proposedNewState: [3, 'DynamicValue'],
    config: [4, 'DynamicValue'],
  }),
  PlanAnswer: message({ plannedState: [1, 'DynamicValue'], ...diagnostics(4) }),
  DataAsked: message({ typeName: [1, 'string'], config: [2, 'DynamicValue'] }),
  DataAnswer: message({ state: [1, 'DynamicValue'], ...diagnostics(2) }),
}

const methods: Record<string, [string, string]> = {
  GetProviderSchema: ['Empty', 'SchemaAnswer'],
  ValidateProviderConfig: ['Empty', 'Empty'],
  ValidateResourceConfig: ['Empty', 'Diagnostics'],
  ValidateDataResourceConfig: ['Empty', 'Diagnostics'],
  ConfigureProvider: ['Empty', 'Diagnostics'],
  UpgradeResourceState: ['UpgradeAsked', 'UpgradeAnswer'],
  ReadResource: ['ReadAsked', 'ReadAnswer'],
  PlanResourceChange: ['PlanAsked', 'PlanAnswer'],
  ReadDataSource: ['DataAsked', 'DataAnswer'],
  StopProvider: ['Empty', 'Empty'],
}

export const protocol = {
  nested: {
    tfplugin6: {
      nested: {
        ...messages,
        Provider: {
          methods: Object.fromEntries(
            Object.entries(methods).map(([name, [requestType, responseType]]) => [name, { requestType, responseType }]),
          ),
        },
      },
    },
  },
}
