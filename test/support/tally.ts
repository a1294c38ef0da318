/** How many tests of a suite, or of all. */
export interface Tally {
  passed: number
  failed: number
  skipped: number
}

export function formatTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** The tally that is the last line of a suite's output, or undefined: then nobody knows what it did. */
export function parseTally(output: string): Tally | undefined {
  const match = /(?:^|\n)(\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(output)
  return match ? { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) } : undefined
}

export function addTallies(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}
