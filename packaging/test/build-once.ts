import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { makeTempDirectory } from '../../test/support/temp-directory.ts'
import { buildExecutable } from '../executable/executable.ts'
import { ownArchitecture } from '../executable/runtime.ts'
import { version } from '../packages/contents.ts'
import { buildDeb } from '../packages/deb.ts'
import { buildRpm } from '../packages/rpm.ts'
import { hasProgram } from './programs.ts'

/** What is tried: of this checkout, and a later version to upgrade to. Undefined: what makes it is not here. */
export interface Built {
  executable: string
  deb?: string | undefined
  laterDeb?: string | undefined
  rpm?: string | undefined
  laterRpm?: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    built: Built
  }
}

/** Builds everything once for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { path: directory, remove } = await makeTempDirectory('packages')
  // apt reads a package as a user of its own.
  const executable = join(directory, 'logcask')
  const given = process.env.LOGCASK_TEST_EXECUTABLE
  if (given === undefined) await buildExecutable(executable)
  const built: Built = { executable: given ?? executable }
  const later = `${await version()}+later`
  const quick = { isQuick: true }
  if (hasProgram('dpkg-deb')) {
    built.deb = await buildDeb(directory, built.executable, ownArchitecture, quick)
    built.laterDeb = await buildDeb(directory, built.executable, ownArchitecture, { ...quick, version: later })
  }
  if (hasProgram('rpmbuild')) {
    built.rpm = await buildRpm(directory, built.executable, ownArchitecture, quick)
    built.laterRpm = await buildRpm(directory, built.executable, ownArchitecture, { ...quick, version: later })
  }
  if (!existsSync(built.executable)) throw new Error(`${built.executable} is not there`)
  project.provide('built', built)
  return remove
}
