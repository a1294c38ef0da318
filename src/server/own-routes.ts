import { z } from 'zod'
import { json } from './api-context.ts'
import { metricContentType } from './metric-text.ts'
import { openApiDocument } from './openapi.ts'
import { type Answer, type Route, route } from './route.ts'

/** What the server says of itself. */
export interface OwnState {
  version: string
  metrics: () => string
  /** Why it cannot go on by itself; undefined while it can. */
  sick: () => string | undefined
  /** Until it is ready. Why is in the log: whoever asks here is not asked who they are. */
  isReady: () => boolean
}

/** `others`, with what tells of the server and of all of them. */
export function withOwnRoutes(others: readonly Route[], own: OwnState): Route[] {
  const query = z.strictObject({})
  const text = (status: number, body: string, contentType = 'text/plain; charset=utf-8'): Answer => ({
    status,
    headers: { 'content-type': contentType },
    body,
  })
  const state = (problem: string | undefined, good: string): Answer =>
    problem === undefined ? text(200, `${good}\n`) : text(503, `${problem}\n`)
  const all: Route[] = [
    route({
      path: '/healthz',
      operationId: 'health',
      summary: 'Whether it can go on by itself',
      isOpen: true,
      query,
      responses: { 200: { description: 'ok', contentType: 'text/plain' } },
      answer: async () => state(own.sick(), 'ok'),
    }),
    route({
      path: '/readyz',
      operationId: 'readiness',
      summary: 'Whether the bucket has answered',
      isOpen: true,
      query,
      responses: { 200: { description: 'ready', contentType: 'text/plain' } },
      answer: async () => state(own.isReady() ? undefined : 'the bucket has not answered', 'ready'),
    }),
    route({
      path: '/metrics',
      operationId: 'metrics',
      summary: 'Prometheus text format; for readers of all hosts',
      query,
      responses: { 200: { description: 'Metrics', contentType: 'text/plain' } },
      answer: async () => text(200, own.metrics(), metricContentType),
    }),
    route({
      path: '/api/v1/openapi.json',
      operationId: 'openapi',
      summary: 'This document',
      isOpen: true,
      query,
      responses: { 200: { description: 'OpenAPI 3.1', contentType: 'application/json' } },
      answer: async () => json(document),
    }),
    ...others,
  ]
  const document = openApiDocument(all, own.version)
  return all
}
