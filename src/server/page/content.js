import { ask, Problem, paths, problemOf } from './client.js'

/** How long a stream is, and from where on it can be read. Rejects with the server's problem. */
export async function contentBounds(host, stream, signal) {
  const path = paths.stream(host, stream, '/content')
  // One byte: a HEAD would not say from where on there are any.
  const response = await ask(path, { signal, headers: { range: 'bytes=0-0' } })
  if (response.ok) {
    const total = response.headers.get('content-range')?.split('/')[1] ?? response.headers.get('content-length') ?? '0'
    await response.body?.cancel()
    return { start: 0, end: Number(total) }
  }
  const problem = await problemOf(response)
  if (response.status === 416) return { start: 0, end: 0 }
  const start = Number(/bytes=(\d+)-/.exec(problem.hint ?? '')?.[1])
  if (response.status !== 410 || Number.isNaN(start)) throw problem
  const rest = await ask(path, { signal, headers: { range: `bytes=${start}-${start}` } })
  if (!rest.ok) throw await problemOf(rest)
  await rest.body?.cancel()
  return { start, end: Number(rest.headers.get('content-range')?.split('/')[1] ?? start) }
}

/** Just the bytes [from, to). */
export async function readRange(host, stream, from, to, signal) {
  if (from >= to) return new Uint8Array()
  for (let left = 3; ; left--) {
    const response = await ask(paths.stream(host, stream, '/content'), {
      signal,
      headers: { range: `bytes=${from}-${to - 1}` },
    })
    if (!response.ok) throw await problemOf(response)
    try {
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (bytes.length === to - from) return bytes
    } catch (error) {
      // Cut off: what the server could not read, or its end. `ask` waits where it is away.
      signal?.throwIfAborted()
      if (!(error instanceof TypeError)) throw error
    }
    if (left === 0)
      throw new Problem(502, {
        detail: `bytes ${from} to ${to} cannot be read`,
        hint: 'try again; logcask verify says what is missing',
      })
  }
}

const partBytes = 8 * 1024 * 1024

/**
 * All bytes as a Blob, which the browser keeps on disk where it is large. Goes on where it was cut off: content only
 * grows. `onBytes` hears how many are there.
 */
export async function readAll(host, stream, { start, end, signal, onBytes }) {
  const parts = []
  for (let at = start; at < end; ) {
    const to = Math.min(end, at + partBytes)
    parts.push(new Blob([await readRange(host, stream, at, to, signal)]))
    at = to
    onBytes(at - start)
  }
  return new Blob(parts, { type: 'application/octet-stream' })
}
