#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'

/**
 * argv → command → exit code. Nothing is imported before the version is known to be enough, and nothing here is newer
 * than what an old Node can parse, so that it can still say what is missing.
 */
const needed = [22, 22] as const
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  process.stderr.write(
    `logcask needs Node ≥ ${needed.join('.')}; this is ${process.versions.node}: install Node 24 (https://nodejs.org), or in a checkout run node_modules/.bin/node src/main.ts\n`,
  )
  process.exit(1)
} else {
  // Before anything starts the pool. One mount that hangs keeps up to four of its threads (bucket/directory.ts), and with
  // Node's own four all files and all other destinations would wait for it.
  if (process.env.UV_THREADPOOL_SIZE === undefined) process.env.UV_THREADPOOL_SIZE = '16'
  // A backlog makes garbage in a short time; V8 would rather grow than collect. Measured while shipping 1 GiB: 118 MB
  // resident instead of 150, at the same speed.
  setFlagsFromString('--optimize-for-size')
  // The young generation stays as small as it begins: V8 would grow it, and shrink it again at each of those collections.
  // Measured with 10,000 files: a tenth less CPU, 5 MB less.
  setFlagsFromString('--semi-space-growth-factor=1')
  // At its end Node waits for V8's helpers, and one that makes code and needs a collection waits for the main thread: a
  // command that is done may never end (nodejs/node#54918). The helpers stay, but code is made here. (V8 has looked at
  // --no-concurrent-recompilation before we can say it.)
  const ofHelpers = ['concurrent-sparkplug', 'maglev-build-code-on-background', 'maglev-deopt-data-on-background']
  for (const flag of ofHelpers) setFlagsFromString(`--no-${flag}`)
  Promise.all([import('./cli/command-line.ts'), import('./cli/terminal/raw-arguments.ts')])
    .then(([{ runCommandLine }, { rawArguments }]) => runCommandLine(rawArguments(process.argv.slice(2)), process))
    .then((code) => process.exit(code))
    .catch((error) => {
      process.stderr.write(
        `logcask: cannot be loaded: ${error.message}\nfix: install it again; in a checkout: npm ci\n`,
      )
      process.exit(1)
    })
}
