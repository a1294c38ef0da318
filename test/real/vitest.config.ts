import { defineConfig } from 'vitest/config'
import { TallyReporter } from '../support/tally-reporter.ts'

/** The suite against one real server, which LOGCASK_TEST_S3 describes: see run.ts. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: ['test/real/**/*.test.ts'],
    pool: 'forks',
    // One after the other: the race of the store suite is to be the only load.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', new TallyReporter()],
  },
})
