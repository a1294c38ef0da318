import { z } from 'zod'
import { deliveredRange } from '../bucket/delivered-between.ts'
import { listSegments } from '../bucket/stream-listing.ts'
import { type ApiContext, json, problemAnswer } from './api-context.ts'
import { problem } from './problem.ts'
import { type Route, route } from './route.ts'

const offset = z.int().min(0).nullable()

export const deliveredBytes = z.strictObject({
  start: offset.describe('null: nothing was delivered then'),
  end: offset.describe('Not included; null: as far as the stream goes'),
})

/** Which bytes came when: what `--since` and `--until` ask. */
export function deliveredRoute(context: ApiContext): Route {
  return route({
    path: '/api/v1/hosts/{host}/streams/{stream}/delivered',
    operationId: 'getDelivered',
    summary: 'The bytes that the store took in a time, at the borders of segments',
    query: z.strictObject({
      from: z.iso.datetime().optional().describe('ISO 8601, UTC'),
      to: z.iso.datetime().optional().describe('Not included'),
    }),
    responses: { 200: { description: 'The range', schema: deliveredBytes } },
    async answer({ params: { host = '', stream = '' }, query: { from, to }, signal }) {
      const times = {
        fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from),
        toMs: to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to),
      }
      const segments = await listSegments(context.bucket, host, stream, { signal })
      if (segments.all.length === 0 && !(await context.isThere(host, stream, signal)))
        return problemAnswer(problem(404, 'no such stream'))
      const range = await deliveredRange(context.bucket, segments, times, signal)
      const end = range === undefined || range.end === Number.POSITIVE_INFINITY ? null : range.end
      return json({ start: range?.start ?? null, end })
    },
  })
}
