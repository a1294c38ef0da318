/**
 * The port to the machine's files. The product has one implementation (local-files.ts); the simulation another, whose
 * inodes, birth times and power cuts it decides itself. Paths are strings as base/path-bytes.ts makes them.
 */
export interface Files {
  /**
   * Opens a regular file for reading. Undefined where the name is gone, or names something else (a directory, a FIFO, a
   * symbolic link that is not to be followed). Rejects with `refused` where the system denies it, `unavailable` else.
   */
  open(path: string, followSymlinks: boolean): Promise<OpenFile | undefined>

  /** What the name stands for now (E2), and its stamp: a hint, since the name may stand for another file a moment later. */
  peek(path: string, followSymlinks: boolean): FileHint | undefined

  /** One complete look at the sources' patterns. */
  scan(sources: readonly SourcePatterns[]): Promise<Scan>

  /**
   * What a gzip or zstd file decodes to, in a file of our own that goes when it is closed. Undefined where it is not
   * complete (or not of that kind); `too-large` beyond `bytesMax`.
   */
  decode(file: OpenFile, bytesMax: number): Promise<OpenFile | 'too-large' | undefined>

  /** Path of the file with this identity in one of the directories, whatever its name; undefined when all were read and none has it. */
  find(identity: string, directories: readonly string[]): Promise<string | undefined>
}

/** What a name stood for a moment ago. */
export interface FileHint {
  identity: string
  stamp: string
  /** Bytes. */
  size: number
  /** Milliseconds since 1970. */
  modifiedMs: number
  changedMs: number
  accessedMs: number
  device: bigint
  inode: bigint
}

export interface SourcePatterns {
  name: string
  include: readonly string[]
  /** Files and directories that are meant as they are written, whatever wildcards their names hold. */
  literal?: readonly string[] | undefined
  exclude: readonly string[]
  followSymlinks: boolean
}

export interface Scan {
  /** Path → name of the first source that matches it. */
  found: Map<string, string>
  /** Directories that were read whole: only in these is a name that was not found gone. */
  complete: Set<string>
  /** What could not be read, for people. */
  problems: { path: string; errno: string }[]
}

/** A name that was not found there is gone: the directory was read whole, or is not there any more itself. */
export function wasSearched({ complete, problems }: Scan, directory: string): boolean {
  return complete.has(directory) || !problems.some(({ path }) => isBelow(directory, path))
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)
}

export interface OpenFile {
  /** Identity of the inode that this descriptor holds (E1, E2). */
  readonly identity: string
  /** Of a file that only the spool has: where what is kept begins (spool-files.ts). */
  readonly keptFrom?: number | undefined
  stat(): FileStat
  /** Fills `into` from `position` on, short only at the end of the file; the answer is the bytes read. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

export interface FileStat {
  /** Bytes. */
  size: number
  /** Names that the inode has; 0: deleted. */
  links: number
  /** Differs when the file may have changed in any way. Equal proves little on coarse clocks. */
  stamp: string
  /** Last change as the file system has it, milliseconds since 1970. */
  modifiedMs: number
  /** Where it is, as the system has it: undefined of a file that is none of the system's. */
  device?: bigint
  inode?: bigint
}

/** Reads at most `length` bytes into a buffer of their own. */
export async function readRange(file: OpenFile, start: number, end: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(Math.max(0, end - start))
  const length = await file.read(buffer, start)
  return length === buffer.byteLength ? buffer : buffer.subarray(0, length)
}
