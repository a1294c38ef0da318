import type { Reporter, TestModule } from 'vitest/node'
import { formatTally, type Tally } from './tally.ts'

/**
 * Says at the very end what `.ci/run` sums up. A file that cannot be collected, a hook that fails and an error outside
 * of every test count as one failed test each, so that a red run never reads as green.
 */
export class TallyReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<Pick<TestModule, 'children' | 'errors'>>, errors: ReadonlyArray<unknown>): void {
    const tally: Tally = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      for (const suite of [module, ...module.children.allSuites()]) if (suite.errors().length > 0) tally.failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        // Pending is a test that a crash or an interrupt cut short.
        tally[state === 'pending' ? 'failed' : state]++
      }
    }
    // At exit, so that nothing that vitest still has to say comes after it.
    process.once('exit', () => process.stdout.write(`${formatTally(tally)}\n`))
  }
}
