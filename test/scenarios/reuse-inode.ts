import { closeSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs'

/**
 * Makes an empty file at `path` that has the inode number of a deleted one, as ext4 gives them out: those that are free,
 * the lowest first. False where it does not come up again: another file system, or another process was faster.
 */
export function reuseInode(path: string, inode: number): boolean {
  const others: string[] = []
  try {
    for (let at = 0; at < 20_000; at++) {
      const name = `${path}.other${at}`
      closeSync(openSync(name, 'wx'))
      if (statSync(name).ino === inode) {
        renameSync(name, path)
        return true
      }
      others.push(name)
    }
    return false
  } finally {
    for (const name of others) unlinkSync(name)
  }
}
