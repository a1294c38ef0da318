import { defineConfig } from 'vitest/config'
import { TallyReporter } from '../support/tally-reporter.ts'

/** The web page in a real browser: `test/browser/run` installs what it takes. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: ['test/browser/*-scene.ts'],
    pool: 'forks',
    // A browser is load enough.
    maxWorkers: 1,
    // Nets for what hangs, never a measure.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ['default', new TallyReporter()],
  },
})
