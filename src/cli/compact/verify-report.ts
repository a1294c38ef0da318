import { createHash } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from '../../base/atomic-file.ts'
import { type Clock, isoTime } from '../../base/clock.ts'
import { errnoOf, LogcaskError, messageOf } from '../../base/errors.ts'

/** What an auditor keeps: one JSON document, whole or not there. Written as it goes, so that memory holds one stream. */
export interface VerifyReport {
  /** One of `streams`, in the order in which they were done. */
  add(stream: Record<string, unknown>): Promise<void>
  /** Makes it durable under its name; answers the SHA-256 of the file. */
  finish(end: Record<string, unknown>): Promise<string>
  /** Leaves what there is under the working name. Idempotent; nothing after `finish`. */
  close(): Promise<void>
}

/** `beginning`: what is checked, by which version, how. Rejects `invalid` where it cannot be written. */
export async function openReport(
  path: string,
  beginning: Record<string, unknown>,
  clock: Pick<Clock, 'now'>,
): Promise<VerifyReport> {
  const working = `${path}.unfinished`
  const handle = await writing(path, () => open(working, 'w', 0o640))
  const hash = createHash('sha256')
  let count = 0
  let isOpen = true
  // Streams are done side by side: their lines are written one after the other.
  let last: Promise<void> = Promise.resolve()
  const write = (text: string): Promise<void> => {
    last = last.then(() =>
      writing(path, async () => {
        hash.update(text)
        await handle.appendFile(text)
      }),
    )
    // Whoever waits for it hears of it, and so does `finish`.
    last.catch(() => {})
    return last
  }
  const close = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await last.catch(() => {})
    await handle.close()
  }
  await write(`{\n${fieldsOf({ v: 1, ...beginning, begunAt: isoTime(clock.now()) })},\n"streams": [`)
  return {
    add: (stream) => write(`${count++ === 0 ? '' : ','}\n${JSON.stringify(stream)}`),
    async finish(end) {
      await write(`\n],\n${fieldsOf({ ...end, endedAt: isoTime(clock.now()) })}\n}\n`)
      await writing(path, () => handle.datasync())
      await close()
      await writing(path, async () => {
        await rename(working, path)
        await syncDirectory(dirname(path))
      })
      return hash.digest('hex')
    },
    close,
  }
}

function fieldsOf(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : `${JSON.stringify(name)}: ${JSON.stringify(value)}`))
    .join(',\n')
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    throw new LogcaskError('invalid', `--report ${path}: ${messageOf(error)}`, {
      hint: 'name a file in a directory that this user may write to',
      cause: error,
    })
  }
}
