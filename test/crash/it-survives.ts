import { expect, it } from 'vitest'
import { wrongsOf } from './histories/outcome.ts'
import { modes, runHistory } from './modes.ts'
import { lineOf } from './table.ts'

/**
 * Real processes, kill -9: a sample of `npm run crash -- --runs 500`. More of it:
 *   LOGCASK_CRASHES=50 LOGCASK_SEED=7 npx vitest run test/crash
 */
const kills = Number(process.env.LOGCASK_CRASHES ?? 1)
const seed = Number(process.env.LOGCASK_SEED ?? 1)

/** A case for each of the modes. */
export function itSurvives(promise: string, names: readonly string[]): void {
  for (const name of names) {
    const mode = modes.find((one) => one.name === name)
    if (mode === undefined) throw new Error(`no mode is called ${name}`)
    const title = `${promise} (${name}, ${kills} kills)`
    it.skipIf(mode.notHere !== undefined)(
      mode.notHere === undefined ? title : `${title}: not run, ${mode.notHere}`,
      async () => {
        const outcome = await runHistory(mode, seed, kills)
        console.log(lineOf(name, [outcome]))
        expect(wrongsOf(outcome)).toEqual([])
      },
      120_000 + kills * 10_000,
    )
  }
}
