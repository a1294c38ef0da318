import { extname, join } from 'node:path'
import { z } from 'zod'
import { sha256 } from '../base/hash.ts'
import { ownFiles } from '../base/own-files.ts'
import { type Answer, type Route, route } from './route.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * The page runs what this server has under page/ and nothing else, whatever a name or a log line holds: no inline script
 * or style, nothing from elsewhere, no string that becomes markup.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/**
 * The web page, as it lies beside this module: read once, some 100 kB. Open to all who reach the server; it has no data,
 * and asks the API for them as its reader. Not of the API, and not in its document.
 */
export async function pageRoutes(directory?: string): Promise<Route[]> {
  const files = await ownFiles('server/page', () => directory ?? join(import.meta.dirname, 'page'))
  return [...files]
    .filter(([name]) => types[extname(name)] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, body]) => {
      const headers = {
        'content-type': types[extname(name)] ?? '',
        'content-security-policy': policy,
        // Asked each time whether it is still the one: a server that was renewed has its page renewed with it.
        'cache-control': 'no-cache',
        'permissions-policy': 'camera=(), geolocation=(), microphone=()',
        etag: `"${sha256(Buffer.from(body)).slice(0, 32)}"`,
      }
      return route({
        path: name === 'index.html' ? '/' : `/page/${name}`,
        operationId: `page ${name}`,
        summary: 'A part of the web page',
        isOpen: true,
        query: z.object({}),
        responses: { 200: { description: 'The file', contentType: headers['content-type'] } },
        answer: async ({ headers: { 'if-none-match': known } }): Promise<Answer> =>
          known === headers.etag ? { status: 304, headers, body: '' } : { status: 200, headers, body },
      })
    })
}
