import type { ServerResponse } from 'node:http'
import type { z } from 'zod'
import type { Reader } from './access.ts'

/** What a route is asked: all of it checked and decoded. */
export interface Asked<Q = unknown> {
  /** By the names in the path's braces. */
  params: Readonly<Record<string, string>>
  query: Q
  /** Of the request, in lower case; of several of a name, node:http's own choice. */
  headers: Readonly<Record<string, string | string[] | undefined>>
  isHead: boolean
  reader: Reader
  /** Aborted when the client goes away, and when the server stops. */
  signal: AbortSignal
}

export interface Answer {
  status: number
  headers?: Readonly<Record<string, string | number>>
  /** A text, whole; or what writes it piece by piece: then the connection is cut where that rejects. */
  body: string | ((response: ServerResponse) => Promise<void>)
}

export interface RouteResponse {
  description: string
  contentType?: string
  schema?: z.ZodType
}

/** One path of the API: what is served and what the OpenAPI document says come from here. */
export interface Route<Q extends z.ZodObject = z.ZodObject> {
  /** `/api/v1/hosts/{host}`. */
  path: string
  operationId: string
  summary: string
  /** Nobody has to say who they are. */
  isOpen?: boolean
  /** Few at once: it takes a connection for long. */
  isFollow?: boolean
  query: Q
  /** Request headers that change the answer. */
  headers?: Readonly<Record<string, string>>
  /** Besides those that every route may give. */
  responses: Readonly<Record<number, RouteResponse>>
  answer(asked: Asked<z.output<Q>>): Promise<Answer>
}

/** A list of routes holds them with different queries; each still gets its own, checked. */
export function route<Q extends z.ZodObject>(one: Route<Q>): Route {
  return one as unknown as Route
}

/** The route of a path, with what its braces stand for; `malformed` where that is no percent-encoded UTF-8. */
export function findRoute(
  routes: readonly Route[],
  path: string,
): { route: Route; params: Record<string, string> } | 'malformed' | undefined {
  const parts = path.split('/')
  for (const one of routes) {
    const names = one.path.split('/')
    if (names.length !== parts.length) continue
    const isMatch = names.every((name, at) => (name.startsWith('{') ? parts[at] !== '' : name === parts[at]))
    if (!isMatch) continue
    try {
      const params = names.flatMap((name, at) =>
        name.startsWith('{') ? [[name.slice(1, -1), decodeURIComponent(parts[at] ?? '')] as const] : [],
      )
      return { route: one, params: Object.fromEntries(params) }
    } catch {
      return 'malformed'
    }
  }
  return undefined
}

/**
 * JSON in which nothing moves a terminal's cursor, turns the reading direction or opens a tag, whatever a host called its
 * files: the same values to whoever parses it.
 */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value).replace(unsafe, escapeUnits)}\n`
}

const unsafe = /[<>&\p{Cf}\u007f-\u009f\u2028\u2029]/gu

function escapeUnits(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('')
}
