import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from './read-back.ts'
import { lastOf, startProcess } from './torture-process.ts'

export interface KnownStream {
  host: string
  stream: string
  length: number
  sha256: string
}

export interface OtherReaders {
  published: { files: number; differing: number }
  cat: { streams: number; differing: number }
  problems: string[]
}

/** Each is a process: one for so many streams, so that a short run stays short. */
const streamsPerCat = 8

/** Whether the product's own readers give the same: the compactor's directory all of it, `cat` some streams. */
export async function compareOtherReaders(
  known: readonly KnownStream[],
  settings: {
    published: string
    /** The commands; compact without `--once`. */
    compact: readonly string[]
    cat(host: string, stream: string): string[]
    logFile: string
  },
): Promise<OtherReaders> {
  const problems: string[] = []
  const { code, signal } = await startProcess([...settings.compact, '--once'], settings.logFile).ended
  // 3: gaps, which are counted elsewhere.
  if (code !== 0 && code !== 3)
    problems.push(`compact --once ended with ${code ?? signal}: ${await lastOf(settings.logFile)}`)
  const published = await comparePublished(known, settings.published, problems)
  let differing = 0
  const some = known.filter((_, at) => at % streamsPerCat === 0)
  for (const { host, stream, sha256: wanted } of some) {
    const output = await outputOf(settings.cat(host, stream))
    if (sha256(output) === wanted) continue
    differing++
    problems.push(`cat ${host} --stream ${stream}: ${output.byteLength} bytes that are not the chain`)
  }
  return { published, cat: { streams: some.length, differing }, problems }
}

async function comparePublished(
  known: readonly KnownStream[],
  root: string,
  problems: string[],
): Promise<OtherReaders['published']> {
  const left = new Map(known.map((one) => [one.stream, one]))
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  let files = 0
  let differing = 0
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.includes('~') || entry.parentPath.includes('/.logcask')) continue
    const content = await readFile(join(entry.parentPath, entry.name))
    const stream = entry.name.slice(entry.name.lastIndexOf('~') + 1)
    const wanted = left.get(stream)
    left.delete(stream)
    // Sealed, or given up, before it had a byte: no content, and no loss.
    if (wanted === undefined && content.byteLength === 0) continue
    files++
    if (wanted?.sha256 === sha256(content)) continue
    differing++
    problems.push(`published ${entry.name}: ${content.byteLength} bytes, the chain has ${wanted?.length ?? 'none'}`)
  }
  for (const { host, stream } of left.values()) problems.push(`${host}/${stream} was not published`)
  return { files, differing: differing + left.size }
}

async function outputOf([program = '', ...args]: readonly string[]): Promise<Buffer> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(child, 'close')
  return Buffer.concat(chunks)
}
