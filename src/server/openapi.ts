import { z } from 'zod'
import { problemContentType } from './problem.ts'
import type { Route, RouteResponse } from './route.ts'
import { problemSchema } from './schemas.ts'

/** What any route may answer. */
const always: Readonly<Record<number, string>> = {
  400: 'The request makes no sense',
  401: 'No token and no client certificate, or unknown ones',
  403: 'The reader may not read this host',
  404: 'There is nothing of that name',
  421: 'Asked by a name that is none of this server',
  500: 'A bug of the server',
  502: 'The store refuses, or holds what no agent wrote',
  503: 'The store does not answer, or too many ask: try again',
}

/** OpenAPI 3.1, made of the routes that are served: it cannot say anything else than they do. */
export function openApiDocument(routes: readonly Route[], version: string): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Logcask',
      version,
      description: 'Read-only. Hosts, their streams, what is in them, and what is odd about them.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: [{ token: [] }, { certificate: [] }, {}],
    paths: Object.fromEntries(routes.map((one) => [one.path, { get: operation(one), head: headOperation(one) }])),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' }, certificate: { type: 'mutualTLS' } },
      schemas: { Problem: jsonSchema(problemSchema) },
      responses: Object.fromEntries(
        Object.entries(always).map(([status, text]) => [`p${status}`, problemResponse(text)]),
      ),
    },
  }
}

function headOperation(one: Route): Record<string, unknown> {
  return { ...operation(one), operationId: `${one.operationId}Head`, summary: 'The same without the body' }
}

function operation({
  operationId,
  summary,
  path,
  query,
  headers = {},
  responses,
  isOpen,
}: Route): Record<string, unknown> {
  const shape = jsonSchema(query) as { properties?: Record<string, { description?: string }> }
  return {
    operationId,
    summary,
    ...(isOpen ? { security: [{}] } : {}),
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...Object.entries(shape.properties ?? {}).map(([name, schema]) => ({
        name,
        in: 'query',
        required: false,
        description: schema.description,
        schema,
      })),
      ...Object.entries(headers).map(([name, description]) => ({
        name,
        in: 'header',
        description,
        schema: { type: 'string' },
      })),
    ],
    responses: {
      ...Object.fromEntries(
        Object.keys(always).map((status) => [status, { $ref: `#/components/responses/p${status}` }]),
      ),
      ...Object.fromEntries(Object.entries(responses).map(([status, one]) => [status, response(Number(status), one)])),
    },
  }
}

function response(status: number, { description, contentType, schema }: RouteResponse): Record<string, unknown> {
  if (status >= 400) return problemResponse(description)
  const type = contentType ?? (schema ? 'application/json' : undefined)
  if (type === undefined) return { description }
  return { description, content: { [type]: schema ? { schema: jsonSchema(schema) } : {} } }
}

function problemResponse(description: string): Record<string, unknown> {
  return { description, content: { [problemContentType]: { schema: { $ref: '#/components/schemas/Problem' } } } }
}

function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}
