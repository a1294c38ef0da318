import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openState, readState } from '../../src/agent/state.ts'
import { systemClock } from '../../src/base/clock.ts'
import { temporaryDirectory } from '../support/temp-directory.ts'

let directory: string
let remove: () => Promise<void>
beforeEach(async () => {
  const made = await temporaryDirectory()
  directory = made.path
  remove = made.remove
})
afterEach(() => remove())
