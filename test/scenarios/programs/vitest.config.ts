import { defineConfig } from 'vitest/config'
import { TallyReporter } from '../../support/tally-reporter.ts'

/** Real programs write and rotate the logs. LOGCASK_TEST_PROGRAMS is where test/real/servers/programs.sh has unpacked them. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../../..`,
    include: ['test/scenarios/programs/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', new TallyReporter()],
  },
})
