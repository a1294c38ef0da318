import { LogcaskError } from '../../base/errors.ts'

/** One event of `text/event-stream`, as the WHATWG's standard has it ("Server-sent events", section 9.2.6). */
export interface StreamEvent {
  /** `message` where it has no name. */
  name: string
  id: string | undefined
  data: string
}

/** An event of ours is at most 64 KiB of base64 and a few words; what grows beyond this is none. */
const eventCharactersMax = 1024 * 1024

/** The events of a body, each when its empty line has come. What stands behind the last one was cut off, and is dropped. */
export async function* readEvents(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let fields: { name?: string; id?: string; data: string[] } = { data: [] }
  let kept = 0
  for await (const piece of pieces) {
    rest += decoder.decode(piece, { stream: true })
    // A CR at the end may be the first half of a CRLF: it waits for what follows.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    kept += lines.reduce((sum, line) => sum + line.length, 0)
    if (kept + rest.length > eventCharactersMax) throw endless()
    for (const line of lines) {
      if (line !== '') {
        addField(fields, line)
        continue
      }
      if (fields.data.length > 0) yield { name: fields.name ?? 'message', id: fields.id, data: fields.data.join('\n') }
      fields = { data: [] }
      kept = 0
    }
    if (fields.data.length === 0) kept = 0
  }
}

function addField(fields: { name?: string; id?: string; data: string[] }, line: string): void {
  const colon = line.indexOf(':')
  const [name, value] = colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
  if (name === 'event') fields.name = value
  else if (name === 'id') fields.id = value
  else if (name === 'data') fields.data.push(value)
}

function endless(): LogcaskError {
  return new LogcaskError('corrupt', 'an event that does not end', {
    hint: 'check that logcask serve is what listens there',
  })
}
