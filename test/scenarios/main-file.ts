import { fileURLToPath } from 'node:url'

/** What `logcask` runs: without vitest, for scripts too. */
export const mainFile = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
