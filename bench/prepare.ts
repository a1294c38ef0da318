import { randomFillSync } from 'node:crypto'
import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from '../packaging/build.ts'

let mainFile: string | undefined

/**
 * Runs `work` with the package as it is published, built anew: sources that run as they are cost each process the
 * stripping of their types, in time and memory.
 */
export function withPublished<T>(work: () => Promise<T>): Promise<T> {
  return inDirectory(async (directory) => {
    const target = join(directory, 'published')
    await build(target)
    await symlink(join(import.meta.dirname, '../node_modules'), join(target, 'node_modules'))
    mainFile = join(target, 'src/main.js')
    return work()
  })
}

/** `logcask ARGS`, as a command to start, while `withPublished` runs. */
export function logcask(...args: string[]): string[] {
  if (mainFile === undefined) throw new Error('nothing is built: call this within withPublished')
  return [process.execPath, mainFile, ...args]
}

/** What lets our commands and the peers in; nothing of this machine's own settings. */
export function storeEnv(endpoint: string): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'testtest1',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    RCLONE_CONFIG: '/dev/null',
  }
}

/** A directory for one scenario, gone afterwards. */
export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'logcask-bench-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Random bytes, which nothing on the way can compress, in the page cache when it returns. */
export async function writeBigFile(path: string, bytes: number): Promise<void> {
  const block = Buffer.alloc(8 * 1024 * 1024)
  const handle = await open(path, 'w')
  for (let at = 0; at < bytes; at += block.byteLength) {
    randomFillSync(block)
    await handle.write(block, 0, Math.min(block.byteLength, bytes - at))
  }
  await handle.close()
}

export async function writeSmallFiles(directory: string, count: number, bytes: number): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (let at = 0; at < count; at++) {
    await writeFile(join(directory, `${String(at).padStart(6, '0')}.log`), randomFillSync(Buffer.alloc(bytes)))
  }
}
