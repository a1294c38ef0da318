import { defineConfig } from 'vitest/config'
import { TallyReporter } from './test/support/tally-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Against real servers, and with real programs: `node test/real/run.ts`, or `.ci/run`.
    exclude: ['test/real/**', 'test/scenarios/programs/**'],
    // A process per file: tests hold descriptors, locks and child processes, which threads would share.
    pool: 'forks',
    // Two run at once also where there are more cores: most start processes of their own.
    maxWorkers: 2,
    // Nets for what hangs, never a measure: a busy machine of 2 cores stays far below.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new TallyReporter()],
  },
})
