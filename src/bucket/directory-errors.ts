import { type ErrorCode, errnoOf, LogcaskError, messageOf } from '../base/errors.ts'

/**
 * What an error of the file system means to a caller of the port. `refused`: it stays until somebody acts (a full disk
 * among them: the retries go on, slowly). All else is `unavailable`: nobody knows whether the request was carried out.
 */
const remedies: Readonly<Record<string, [ErrorCode, string]>> = {
  ENOSPC: ['refused', 'free space there, or let old segments expire; it goes on by itself'],
  EDQUOT: ['refused', 'raise the quota, or let old segments expire; it goes on by itself'],
  EROFS: ['refused', 'mount it read-write'],
  EACCES: ['refused', 'allow the user that logcask runs as to read and write there'],
  EPERM: ['refused', 'the owner, the mode or the file system forbids it; a store needs hard links (no FAT, no exFAT)'],
  ENOTSUP: ['refused', 'this file system has no hard links: put the store on another (ext4, xfs, zfs, NFS)'],
  EOPNOTSUPP: ['refused', 'this file system has no hard links: put the store on another (ext4, xfs, zfs, NFS)'],
  ENOSYS: ['refused', 'this file system has no hard links: put the store on another (ext4, xfs, zfs, NFS)'],
  EMLINK: ['refused', 'this file system allows too few hard links: put the store on another (ext4, xfs, zfs, NFS)'],
  EXDEV: ['refused', 'the whole store must be on one file system: mount nothing below its root'],
  ELOOP: ['refused', 'a symlink is in the way: a store holds plain files and directories only'],
  ENOTDIR: ['refused', 'a file is where a directory must be: name another directory, or move the file away'],
  EEXIST: ['refused', 'a file is where a directory must be: name another directory, or move the file away'],
  ENAMETOOLONG: ['refused', 'this file system takes only shorter names: put the store on another'],
  EFBIG: ['refused', 'this file system or a limit (ulimit -f) takes only smaller files'],
  ENOENT: ['unavailable', 'something removed it meanwhile: look who else cleans up there'],
  EIO: ['unavailable', 'look at the disk: dmesg'],
  ESTALE: ['unavailable', 'the file server was changed under the mount: mount it again'],
  EMFILE: ['unavailable', 'raise the limit on open files (LimitNOFILE= in the service)'],
  ENFILE: ['unavailable', 'raise the limit on open files of the machine (fs.file-max)'],
}

/** Who only reads needs no more. */
const toRead = 'let this user read it, and search the directories above it'

/** `error` as the port's callers know it; what is no error of the operating system (an abort, our own) stays as it is. */
export function storeError(error: unknown, place: string, doing: string): unknown {
  const errno = errnoOf(error)
  if (error instanceof LogcaskError || errno === undefined) return error
  const [code, remedy] = remedies[errno] ?? ['unavailable', 'look at the mount and the disk: dmesg']
  const hint = errno === 'EACCES' && !doing.startsWith('write') ? toRead : remedy
  return new LogcaskError(code, `${place}: cannot ${doing}: ${messageOf(error)}`, { hint, cause: error })
}

/** Runs `work` and gives its errors in the port's terms. */
export async function explained<T>(place: string, doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeError(error, place, doing)
  }
}

/** The answer, or undefined where the system says that the name is not there. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    throw error
  }
}
