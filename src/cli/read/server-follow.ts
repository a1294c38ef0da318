import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { isCode, LogcaskError } from '../../base/errors.ts'
import { pathForPeople, textForPeople } from '../../base/path-bytes.ts'
import { backoffMs } from '../../base/retry.ts'
import type { CommandInput } from '../command.ts'
import { formatCount } from '../terminal/units.ts'
import { afterTrouble } from './after-trouble.ts'
import { readEvents, type StreamEvent } from './event-stream.ts'
import { byBirth } from './read-names.ts'
import type { Followed } from './read-place.ts'
import { piecesOf, type ServerClient } from './server-client.ts'
import { serverRows, streamPath } from './server-rows.ts'

/** A server that is gone is asked again: soon at first, then twice a minute. */
const reconnect = { baseMs: 500, capMs: 30_000 }
/** Looks for the next stream of the name: each may cost the server five requests for each younger stream of the host. */
const rotationLook = { minMs: 2_000, maxMs: 60_000 }
/** A stream that no seal ends, when a newer one has its name, gets so long for its last lines: the server looks each 10 s. */
const quietMs = 20_000
const never = Number.POSITIVE_INFINITY

const eventData = z.object({ start: z.int().min(0), end: z.int().min(0), base64: z.string() })

/** How far the printing has come. */
interface Place {
  host: string
  stream: string
  at: number
  /** Since when the server answers, and nothing came; never, while nobody can listen: then nobody knows. */
  quietSinceMs: number
  isSealed: boolean
}

/**
 * `cat --follow` of a server: its events, resumed after a cut by the offset of the last byte that was printed, so that none
 * is printed twice or missed. Over rotations as with a bucket. Ends only by rejecting.
 */
export async function followServer(
  input: CommandInput,
  server: ServerClient,
  { host, stream, path }: Followed,
  from: number,
): Promise<never> {
  const { terminal, signal } = input
  let place: Place = { host, stream, at: from, quietSinceMs: never, isSealed: false }
  for (;;) {
    const turn = new AbortController()
    const both = AbortSignal.any([signal, turn.signal])
    const rotated = path === undefined ? undefined : awaitRotation(input.clock, server, place, path, both)
    // Awaited below; what comes of it meanwhile must not count as unhandled.
    rotated?.catch(() => {})
    const following = followEvents(input, server, place, both)
    following.catch(() => {})
    try {
      const next = await (rotated === undefined ? following : Promise.race([rotated, following]))
      terminal.say(`${pathForPeople(path ?? '')}: rotated, going on with stream ${next}`)
      turn.abort()
      await following.catch(() => {})
      place = { host, stream: next, at: 0, quietSinceMs: never, isSealed: false }
    } finally {
      turn.abort()
    }
  }
}

/** Resolves with the next stream of the name once this one has given all that it had. */
async function awaitRotation(
  clock: Clock,
  server: ServerClient,
  place: Place,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  let waitMs = rotationLook.minMs
  let next: string | undefined
  for (;;) {
    await clock.sleep(waitMs, signal)
    waitMs = place.isSealed ? rotationLook.minMs * 5 : Math.min(rotationLook.maxMs, waitMs * 1.5)
    try {
      next ??= await findNext(server, place, path)
    } catch (error) {
      // The events tell of trouble, and ask again; what they come from may be away while they are listened to.
      if (!isCode(error, 'unavailable')) throw error
      place.quietSinceMs = Math.max(place.quietSinceMs, afterTrouble(clock))
    }
    if (next === undefined) continue
    waitMs = rotationLook.minMs
    if (!place.isSealed && clock.monotonic() - place.quietSinceMs < quietMs) continue
    return next
  }
}

async function findNext(server: ServerClient, { host, stream }: Place, path: string): Promise<string | undefined> {
  const heirs: { stream: string; storedAtMs: number | undefined }[] = []
  let current: { stream: string; storedAtMs?: number | undefined } = { stream }
  for await (const rows of serverRows(server, host, path)) {
    current = rows.find((row) => row.stream === stream) ?? current
    heirs.push(...rows.filter(({ origin }) => origin?.path === path))
    // The youngest come first, where births are known.
    if (!stream.startsWith('0-') && rows.some((row) => !row.stream.startsWith('0-') && row.stream <= stream)) break
  }
  return heirs
    .filter((one) => byBirth(current, one) < 0)
    .toSorted(byBirth)
    .at(0)?.stream
}

/** Prints events until the signal says otherwise; a server that is away, or ends the stream, is asked again. */
async function followEvents(
  { terminal, clock }: CommandInput,
  server: ServerClient,
  place: Place,
  signal: AbortSignal,
): Promise<never> {
  let attempt = 0
  let isTrouble = false
  for (;;) {
    const before = place.at
    try {
      const headers = place.at === 0 && !place.isSealed ? {} : { 'last-event-id': String(place.at) }
      const response = await server.open(`${streamPath(place.host, place.stream)}/follow?from=${place.at}`, headers)
      if (signal.aborted) response.destroy()
      isTrouble = false
      place.quietSinceMs = clock.monotonic()
      if (response.statusCode === 204) place.isSealed = true
      const stop = (): void => void response.destroy()
      signal.addEventListener('abort', stop, { once: true })
      try {
        for await (const event of readEvents(piecesOf(server, response))) {
          attempt = 0
          const bytes = take(event, place, server)
          if (bytes === undefined) continue
          const { start } = bytes
          if (start > place.at)
            terminal.warn(
              `${place.stream}: bytes ${formatCount(place.at)}–${formatCount(start)} are not there any more`,
            )
          // However long whoever reads us takes.
          Object.assign(place, { quietSinceMs: never, isSealed: false })
          await terminal.write(bytes.body)
          Object.assign(place, { at: start + bytes.body.byteLength, quietSinceMs: clock.monotonic() })
        }
      } finally {
        place.quietSinceMs = never
        signal.removeEventListener('abort', stop)
        response.destroy()
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!isCode(error, 'unavailable')) throw error
      if (!isTrouble) terminal.warn(`${textForPeople(error.message)}: trying on`)
      isTrouble = true
    }
    signal.throwIfAborted()
    if (place.at !== before) attempt = 0
    const waitMs = place.isSealed ? reconnect.capMs : backoffMs(reconnect, attempt++, clock)
    await clock.sleep(waitMs, signal)
  }
}

/** The bytes of an event; undefined where it says something else. */
function take(event: StreamEvent, place: Place, server: ServerClient): { start: number; body: Buffer } | undefined {
  if (event.name === 'sealed') place.isSealed = true
  if (event.name !== 'message') return undefined
  const data = eventData.safeParse(parse(event.data))
  const body = data.success ? Buffer.from(data.data.base64, 'base64') : undefined
  if (!data.success || body === undefined || data.data.end - data.data.start !== body.byteLength)
    throw notOurs(server, 'an event that is none of ours')
  // It was asked from there on; where less has expired, it begins later, and never before.
  if (data.data.start < place.at) throw notOurs(server, 'bytes that were given before')
  return { start: data.data.start, body }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function notOurs(server: ServerClient, what: string): LogcaskError {
  return new LogcaskError('corrupt', `${server.url}: ${what}`, { hint: 'install the same logcask here and there' })
}
