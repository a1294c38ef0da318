import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again until `isSo`; after `withinMs`, a net and no measure, it rejects with `what` and what `context` says by then.
 * As `until` of the scenarios, without the test runner.
 */
export async function waitFor(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { withinMs = 50_000, everyMs = 100, context = (): string => '' } = {},
): Promise<void> {
  const endAtMs = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > endAtMs) throw new Error(`not reached: ${what}\n${context()}`)
    await sleep(everyMs)
  }
}
