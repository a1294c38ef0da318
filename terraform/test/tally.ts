import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

/** Runs the tests in this directory, or the files that are named, and ends with their sum. */
const files =
  process.argv.length > 2
    ? process.argv.slice(2)
    : readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
const tally = { passed: 0, failed: 0, skipped: 0 }

// One after the other: each starts Terraform, and there are few cores.
const stream = run({ files: files.map((name) => join(import.meta.dirname, name)), concurrency: 1, timeout: 900_000 })
stream.on('test:pass', (event) => {
  // A file is an event, too; only tests count.
  if (event.details.type === 'suite' || files.some((file) => event.name.endsWith(file))) return
  if (event.skip !== undefined && event.skip !== false) tally.skipped++
  else tally.passed++
})
stream.on('test:fail', () => {
  tally.failed++
})
stream.on('end', () => {
  process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1
})
const report = stream.compose(spec)
report.on('end', () =>
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`),
)
report.pipe(process.stdout)
