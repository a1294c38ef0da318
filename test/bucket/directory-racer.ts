import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/base/clock.ts'
import { createDirectoryBucket } from '../../src/bucket/directory.ts'
import { patternBytes } from '../support/pattern-bytes.ts'

/**
 * A writer in a process of its own, for directory-processes.test.ts. Once a line arrives on stdin it creates
 * `files/<n>` for n = 0, 1, …, and prints a line for each answer.
 */
const [root = '', writer = '', count = '', size = ''] = process.argv.slice(2)

const bucket = createDirectoryBucket({ root, create: true }, systemClock)
const lines = createInterface(process.stdin)
await once(lines, 'line')
lines.close()
for (let at = 0; at < Number(count); at++) {
  const body = patternBytes(Number(size) + Number(writer), 1 + at * 100 + Number(writer))
  const answer = await bucket.put(`files/${at % 7}/${at}`, body, { mode: 'create', metadata: { writer } })
  process.stdout.write(`${at} ${answer}\n`)
}
process.stdin.destroy()
