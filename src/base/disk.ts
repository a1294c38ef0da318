import { type FileHandle, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { lockFile } from './file-lock.ts'

/**
 * The port to the disk that durable state is kept on: a subset of node:fs/promises, with the system's errors (`code` is
 * the errno). The product has one implementation, node's own; the simulation another, which knows what a power cut
 * leaves of what was not synced.
 */
export interface Disk {
  open(path: string, flags: string | number, mode?: number): Promise<DiskFile>
  readFile(path: string): Promise<Buffer>
  /** Names directly in it. */
  readdir(path: string): Promise<string[]>
  /** With `recursive` the answer is the first directory that was made, undefined where all were there. */
  mkdir(path: string, options: { recursive?: boolean; mode: number }): Promise<string | undefined>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Takes the file's lock for this process, making the file where it is missing. Never waits. Rejects as `lockFile`. */
  lock(path: string): Promise<{ release(): void } | 'busy'>
}

export type DiskFile = Pick<FileHandle, 'sync' | 'datasync' | 'close'> & {
  read(into: Uint8Array, at: number, length: number, position: number): Promise<{ bytesRead: number }>
  write(from: Uint8Array, at: number, length: number, position: number): Promise<{ bytesWritten: number }>
  stat(): Promise<{ size: number; isFile(): boolean }>
}

export const localDisk: Disk = {
  open,
  readFile: (path) => readFile(path),
  readdir: (path) => readdir(path),
  mkdir: (path, options) => mkdir(path, options),
  rename,
  unlink,
  lock: lockFile,
}
