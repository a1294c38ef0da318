import { paths, token } from './client.js'
import { readAll } from './content.js'
import { el, put, say } from './dom.js'
import { bytesText } from './words.js'

/** Without a token a link, which the browser's own downloads take over; with one its bytes are fetched, and then saved. */
export function downloadControl(host, stream, detail, { bytes, signal, onProblem }) {
  const name = fileName(detail)
  if (token.get() === '')
    return el('a', { class: 'button', href: paths.stream(host, stream, '/content'), download: name }, 'Download')
  const button = el('button', { type: 'button' }, 'Download')
  button.addEventListener('click', async () => {
    button.disabled = true
    const { start, end } = bytes
    try {
      const blob = await readAll(host, stream, {
        start,
        end,
        signal,
        onBytes: (count) => put(button, `${Math.floor((count * 100) / (end - start))} % of ${bytesText(end - start)}`),
      })
      const url = URL.createObjectURL(blob)
      el('a', { href: url, download: name }).click()
      setTimeout(() => URL.revokeObjectURL(url), 60_000)
      say('Downloaded')
    } catch (error) {
      if (!signal.aborted) onProblem(error)
    } finally {
      button.disabled = false
      put(button, 'Download')
    }
  })
  return button
}

/** The file's own name as far as any system takes it; the stream's where nothing is left of it. */
function fileName({ shown: path, stream }) {
  const base = (path ?? '')
    .split('/')
    .at(-1)
    .replace(/[^\p{L}\p{N}._ -]+/gu, '_')
    .replace(/^\.+/, '')
    .slice(0, 120)
  return base === '' ? stream : base
}
