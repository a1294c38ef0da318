import { fileURLToPath } from 'node:url'

/**
 * What `logcask` runs: without vitest, for scripts too. The built package is tried as the sources are:
 *     npm run build && LOGCASK_MAIN=$PWD/dist/src/main.js npx vitest run test/scenarios test/crash
 */
export const mainFile = process.env.LOGCASK_MAIN ?? fileURLToPath(new URL('../../src/main.ts', import.meta.url))
