import { getJson, paths, readEvents } from './client.js'
import { say } from './dom.js'
import { shown } from './words.js'

/** How often it is asked whether the file was rotated, and how long the old stream is quiet before it is left. */
const lookMs = 3_000
const lookMaxMs = 60_000
const quietMs = 5_000
/** After trouble the bytes of a rotated stream may still be on their way: an agent that was cut off, too, comes back so late. */
const afterTroubleMs = 30_000
const againMs = 1_000

/**
 * Live follow: bytes as they come, from where the last ones ended, also after the connection or the server was gone. As
 * `tail -F` it goes on with the next stream of the same name once the file was rotated and this one is over.
 */
export function followStream({ host, stream, detail, bytes, view, signal, fail, button, onNext, onGrown }) {
  let running
  /** Before then nobody knows whether the stream is quiet. */
  let quietFromMs = 0
  let isSealed = false

  function toggle() {
    if (running) return stop('Not following any more.')
    running = new AbortController()
    button.setAttribute('aria-pressed', 'true')
    view.note('Following.')
    say('Following')
    view.showEnd()
    const over = AbortSignal.any([signal, running.signal])
    quietFromMs = Date.now()
    const onFailure = (error) => {
      if (over.aborted) return
      if (error.status === 401) fail(error)
      else stop(`Not followed: ${shown(error.message)}`)
    }
    follow(over).catch(onFailure)
    watchRotation(over).catch(onFailure)
  }

  function stop(text) {
    running?.abort()
    running = undefined
    button.setAttribute('aria-pressed', 'false')
    view.note(text)
  }

  async function follow(over) {
    const path = paths.stream(host, stream, '/follow')
    while (!over.aborted) {
      // Not what the last event said: what was shown is what the next one has to continue.
      const { isOver } = await readEvents(path, {
        signal: over,
        lastId: bytes.end,
        onEvent(event, data) {
          if (event === 'sealed') {
            isSealed = true
            return
          }
          if (data.start > bytes.end) throw new Error(`bytes ${bytes.end} to ${data.start} did not come`)
          const fresh = decoded(data.base64).subarray(bytes.end - data.start)
          const wasAtEnd = view.isAtEnd()
          bytes.append(bytes.end, fresh)
          quietFromMs = Math.max(quietFromMs, Date.now())
          view.grew(wasAtEnd)
          onGrown()
        },
      })
      if (isOver) isSealed = true
      if (isSealed) {
        view.note('Sealed: this stream is complete. Waiting for the next one of its file.')
        return
      }
      quietFromMs = Date.now() + afterTroubleMs
      await pause(againMs, over)
    }
  }

  async function watchRotation(over) {
    if (detail.name === null || detail.born === null) return
    const bornFrom = `${detail.born.slice(0, 23)}Z`
    for (let waitMs = lookMs; ; waitMs = Math.min(lookMaxMs, waitMs * 1.5)) {
      await pause(waitMs, over)
      // A file that grows was not rotated; one look costs some five requests for each stream that is younger.
      if (!isSealed && Date.now() - quietFromMs < quietMs) {
        waitMs = lookMs
        continue
      }
      const page = await getJson(paths.host(host, '/streams'), { bornFrom, limit: 50 }, over).catch((error) => {
        if (over.aborted || error.status === 401) throw error
      })
      const streams = page?.streams ?? []
      const next = streams.filter((one) => one.name === detail.name && one.stream > stream && one.bytes > 0).at(-1)
      if (next === undefined) continue
      return onNext(next)
    }
  }

  return { toggle }
}

function decoded(base64) {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    const leave = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
  })
}
