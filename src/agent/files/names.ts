import { link, rename, unlink } from 'node:fs/promises'
import { makeDirectory, syncDirectory } from '../../base/atomic-file.ts'
import { pathForSystem } from '../../base/path-bytes.ts'

/** What is done to the names of local files, with the system's errors. Paths are strings as base/path-bytes.ts makes them. */
export interface Names {
  /** A second name; never in place of a file that is there. */
  link(from: string, to: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** `mkdir -p`, durable. */
  makeDirectory(directory: string): Promise<void>
  syncDirectory(directory: string): Promise<void>
}

export const localNames: Names = {
  link: (from, to) => link(pathForSystem(from), pathForSystem(to)),
  rename: (from, to) => rename(pathForSystem(from), pathForSystem(to)),
  unlink: (path) => unlink(pathForSystem(path)),
  makeDirectory: (directory) => makeDirectory(directory),
  syncDirectory: (directory) => syncDirectory(directory),
}
