import { randomFillSync } from 'node:crypto'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const mainFile = join(import.meta.dirname, '../src/main.ts')

/** `logcask ARGS`, as a command to start. */
export function logcask(...args: string[]): string[] {
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
