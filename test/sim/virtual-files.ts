import { dirname } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Files, OpenFile, Scan, SourcePatterns } from '../../src/agent/files/files.ts'
import { LogcaskError } from '../../src/base/errors.ts'
import { Inode } from './inode.ts'
import type { VirtualProcess } from './process.ts'
import type { VirtualDisk } from './virtual-disk.ts'

/** What a process learnt of a file: what it may be asked to account for. */
export type OnSeen = (inode: Inode, size: number) => void

/** The port to the machine's files, over the model's disk, as one process has it. */
export function virtualFiles(disk: VirtualDisk, process: VirtualProcess, onSeen: OnSeen): Files {
  return {
    async open(path, followSymlinks) {
      await process.call()
      if (disk.unreadable.has(dirname(path))) throw denied(path)
      const inode = disk.lookUp(path, followSymlinks)
      return inode?.kind === 'file' ? openVirtual(disk, process, inode, path, onSeen) : undefined
    },
    peek(path, followSymlinks) {
      if (disk.unreadable.has(dirname(path))) return undefined
      const inode = disk.lookUp(path, followSymlinks)
      if (inode?.kind !== 'file') return undefined
      const { identity, modifiedMs, changedMs, number } = inode
      const times = { modifiedMs, changedMs, accessedMs: modifiedMs }
      return {
        identity,
        stamp: stampOf(inode),
        size: inode.bytes.byteLength,
        ...times,
        device: 1n,
        inode: BigInt(number),
      }
    },
    scan: (sources) => scan(disk, process, sources),
    async decode(file, bytesMax) {
      await process.call()
      const packed = (file as VirtualFile).inode
      const bytes = unpack(packed.bytes)
      if (bytes === undefined) return undefined
      if (bytes.byteLength > bytesMax) return 'too-large'
      const decoded = new Inode(packed.number, packed.birthNs, 'file', disk.settings.now())
      decoded.write(bytes, 0)
      await process.call()
      return openVirtual(disk, process, decoded, '', () => {})
    },
    async find(identity, directories) {
      await process.call()
      for (const directory of directories) {
        if (disk.unreadable.has(directory)) throw denied(directory)
        for (const [path, inode] of disk.within(directory)) {
          if (dirname(path) === directory && inode.kind === 'file' && inode.identity === identity) return path
        }
      }
      return undefined
    },
  }
}

interface VirtualFile extends OpenFile {
  readonly inode: Inode
}

function openVirtual(
  disk: VirtualDisk,
  process: VirtualProcess,
  inode: Inode,
  path: string,
  onSeen: OnSeen,
): VirtualFile {
  let isOpen = true
  inode.opens++
  const close = (): void => {
    if (isOpen && path !== '') disk.closed(inode, path)
    isOpen = false
  }
  process.atEnd(close)
  const requireOpen = (): void => {
    if (!isOpen) throw new LogcaskError('unavailable', `${path}: was closed meanwhile`)
  }
  return {
    inode,
    identity: inode.identity,
    stat() {
      requireOpen()
      onSeen(inode, inode.size)
      const { size, links, modifiedMs, number } = inode
      return { size, links, stamp: stampOf(inode), modifiedMs, device: 1n, inode: BigInt(number) }
    },
    async read(into, position) {
      requireOpen()
      await process.call()
      // Two reads of the system: a truncation or an edit may come in between.
      const middle = into.byteLength >> 1
      const first = inode.bytes.subarray(position, position + middle)
      into.set(first)
      if (first.byteLength < middle) return first.byteLength
      await process.call()
      const second = inode.bytes.subarray(position + middle, position + into.byteLength)
      into.set(second, middle)
      return middle + second.byteLength
    },
    async close() {
      close()
    },
  }
}

function stampOf(inode: Inode): string {
  return `${inode.size}:${inode.modifiedMs}:${inode.changedMs}`
}

function denied(path: string): LogcaskError {
  return new LogcaskError('refused', `cannot read ${path}: EACCES`, { hint: 'let this user read it' })
}

function unpack(bytes: Buffer): Buffer | undefined {
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes)
    if (bytes[0] === 0x28 && bytes[1] === 0xb5) return zstdDecompressSync(bytes)
  } catch {
    // Cut, or being written.
  }
  return undefined
}

async function scan(disk: VirtualDisk, process: VirtualProcess, sources: readonly SourcePatterns[]): Promise<Scan> {
  const result: Scan = { found: new Map(), complete: new Set(), problems: [] }
  for (const source of sources) {
    const includes = source.include.map(patternOf)
    const excludes = source.exclude.map((one) => patternOf(one.includes('/') ? one : `**/${one}`))
    for (const base of new Set(source.include.map(baseOf))) {
      for (const directory of directoriesBelow(disk, base)) {
        // Between directories the world goes on.
        await process.call()
        if (disk.unreadable.has(directory)) {
          result.problems.push({ path: directory, errno: 'EACCES' })
          continue
        }
        result.complete.add(directory)
        for (const [path, inode] of disk.within(directory)) {
          if (dirname(path) !== directory || result.found.has(path)) continue
          if (inode.kind === 'symlink' ? !source.followSymlinks || !disk.lookUp(path) : inode.kind !== 'file') continue
          if (includes.some((one) => one.test(path)) && !excludes.some((one) => one.test(path)))
            result.found.set(path, source.name)
        }
      }
    }
  }
  return result
}

function directoriesBelow(disk: VirtualDisk, base: string): string[] {
  const below = [...disk.within(base)].filter(([, inode]) => inode.kind === 'directory').map(([path]) => path)
  return disk.lookUp(base)?.kind === 'directory' ? [base, ...below] : below
}

/** The directory in which the pattern's fixed part ends. */
function baseOf(pattern: string): string {
  const fixed = pattern.slice(0, pattern.search(/[*?]|$/))
  return fixed.slice(0, fixed.lastIndexOf('/')) || '/'
}

const patterns = new Map<string, RegExp>()

/** `*` and `**` only: what the model's sources need. */
function patternOf(pattern: string): RegExp {
  const made =
    patterns.get(pattern) ??
    new RegExp(
      `^${pattern
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll('**/', '\u0001')
        .replaceAll('**', '\u0002')
        .replaceAll('*', '[^/]*')
        .replaceAll('\u0001', '(?:.*/)?')
        .replaceAll('\u0002', '.*')}$`,
    )
  patterns.set(pattern, made)
  return made
}
