import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canMount } from '../support/mounts.ts'
import type { Alone } from './alone.ts'

const isMountable = canMount()

/** What makes a file system; those of other types are only mounted. */
const makers: Record<string, string> = { ext4: 'mkfs.ext4', xfs: 'mkfs.xfs', btrfs: 'mkfs.btrfs' }

/** Why a file system of this type cannot be had here; undefined where it can. */
export function whyNot(type: string): string | undefined {
  if (!isMountable) return 'not run: only root may mount'
  const maker = makers[type]
  if (maker === undefined) return undefined
  const isThere = ['/usr/sbin', '/sbin', '/usr/bin'].some((room) => existsSync(join(room, maker)))
  return isThere ? undefined : `not run: there is no ${maker}`
}

/** Where `mountImage` keeps its file system. */
export function imageOf({ directory }: Alone['stage']): string {
  return join(directory, 'image')
}

/** Makes a file system of `type` in a file, and mounts it. */
export function mountImage(
  stage: Alone['stage'],
  at: string,
  type: string,
  megabytes: number,
  options: string[],
): void {
  writeFileSync(imageOf(stage), '')
  truncateSync(imageOf(stage), megabytes * 2 ** 20)
  execFileSync(`mkfs.${type}`, [...options, imageOf(stage)], { stdio: 'ignore' })
  mount('-o', 'loop', imageOf(stage), at)
  rmSync(join(at, 'lost+found'), { recursive: true, force: true })
}

export function mount(...args: string[]): void {
  execFileSync('mount', args)
}
