import { defineConfig } from 'vitest/config'
import { TallyReporter } from '../../test/support/tally-reporter.ts'

/**
 * The packages, built, installed and run as on a machine: `npx vitest run --config packaging/test/vitest.config.ts`. Some
 * need root, Debian's tools or a network, and say in their names why they did not run.
 */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: ['packaging/test/**/*.test.ts'],
    globalSetup: ['packaging/test/build-once.ts'],
    pool: 'forks',
    // One after the other: each has a machine of its own to fill.
    maxWorkers: 1,
    fileParallelism: false,
    // What is installed in one test is used by the next.
    sequence: { concurrent: false },
    testTimeout: 200_000,
    hookTimeout: 900_000,
    reporters: ['default', new TallyReporter()],
  },
})
