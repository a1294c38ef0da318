/**
 * `node:http` without what an import of it takes along: a built-in module that is imported reads each of its exports, and
 * one of them (`WebSocket`) loads all of undici: 14 MB resident and 40 ms, of every process.
 */
export function nodeHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http')
}
