/** Asks the API as the reader whose token is kept for this tab; waits where the server is away. */

export class Problem extends Error {
  constructor(status, { title, detail, hint } = {}) {
    super(detail ?? title ?? `the server answered ${status}`)
    this.status = status
    this.hint = hint
  }
}

const tokenName = 'logcask-token'
/** In memory alone where the browser refuses storage. */
let kept = ''

export const token = {
  get() {
    try {
      return sessionStorage.getItem(tokenName) ?? kept
    } catch {
      return kept
    }
  },
  set(value) {
    kept = value
    try {
      if (value === '') sessionStorage.removeItem(tokenName)
      else sessionStorage.setItem(tokenName, value)
    } catch {
      // Kept in memory.
    }
  },
}

/** Who wants to know that the server went away, is asked again, and is back. */
export const connection = new EventTarget()
const retryMinMs = 1_000
const retryMaxMs = 10_000
let returning

function tell(type, detail) {
  connection.dispatchEvent(new CustomEvent(type, { detail }))
}

/** Asks until the server answers; all who wait share it. */
function untilBack() {
  returning ??= (async () => {
    for (let waitMs = retryMinMs; ; waitMs = Math.min(retryMaxMs, waitMs * 1.6)) {
      tell('away', { waitMs })
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, waitMs)
        const now = () => {
          clearTimeout(timer)
          resolve()
        }
        connection.addEventListener('now', now, { once: true })
      })
      try {
        if ((await fetch('healthz', { cache: 'no-store' })).ok) break
      } catch {
        // Still away.
      }
    }
    returning = undefined
    tell('back')
  })()
  return returning
}

/** Something between says that the server is away; what the server itself refuses is a problem that it describes. */
function isOfProxy({ status, headers }) {
  return [502, 503, 504].includes(status) && !headers.get('content-type')?.startsWith('application/problem+json')
}

/** Like fetch; a server that does not answer is waited for, and asked again. */
export async function ask(path, { signal, headers = {} } = {}) {
  for (;;) {
    signal?.throwIfAborted()
    const bearer = token.get()
    try {
      const response = await fetch(path, {
        signal,
        cache: 'no-store',
        headers: bearer === '' ? headers : { ...headers, authorization: `Bearer ${bearer}` },
      })
      if (!isOfProxy(response)) return response
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof TypeError)) throw error
    }
    await untilBack()
  }
}

export async function problemOf(response) {
  const body = await response.json().catch(() => ({}))
  return new Problem(response.status, body)
}

/** The JSON of an answer; rejects with a Problem. One that asks for a moment gets it, a few times. */
export async function getJson(path, query = {}, signal) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(given).toString()
  for (let left = 3; ; left--) {
    const response = await ask(search === '' ? path : `${path}?${search}`, { signal })
    if (response.ok) {
      tell('fine')
      return response.json()
    }
    const problem = await problemOf(response)
    if (problem.status !== 503 || left === 0) throw problem
    await new Promise((resolve) => setTimeout(resolve, 2_000))
  }
}

/**
 * Server-sent events by fetch, since EventSource sends no token. Resolves with the id of the last event when the server
 * ended the answer, or the connection broke.
 */
export async function readEvents(path, { signal, lastId, onEvent }) {
  const headers = lastId === undefined ? {} : { 'last-event-id': String(lastId) }
  const response = await ask(path, { signal, headers })
  if (response.status === 204) return { isOver: true, lastId }
  if (!response.ok) throw await problemOf(response)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  let last = lastId
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { isOver: false, lastId: last }
      const blocks = (rest + value).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = Object.fromEntries(
          block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        )
        if (fields.id !== undefined) last = fields.id
        if (fields.data !== undefined) onEvent(fields.event ?? 'message', JSON.parse(fields.data))
      }
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof TypeError || error.name === 'NetworkError') return { isOver: false, lastId: last }
    throw error
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** What could not be looked at again: what is shown stays, and the page says so. Who may no longer read has to know. */
export function passing(fail) {
  return (error) => {
    if (error.name === 'AbortError') return
    if (error.status === 401) fail(error)
    else tell('trouble', { error })
  }
}

export const paths = {
  hosts: 'api/v1/hosts',
  host: (host, rest = '') => `api/v1/hosts/${encodeURIComponent(host)}${rest}`,
  stream: (host, stream, rest = '') => paths.host(host, `/streams/${encodeURIComponent(stream)}${rest}`),
}

export const links = {
  host: (host) => `#/host/${encodeURIComponent(host)}`,
  stream: (host, stream) => `${links.host(host)}/${encodeURIComponent(stream)}`,
}
