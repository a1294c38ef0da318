import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type FaultS3, type FaultS3Options, startFaultS3 } from '../support/fault-s3.ts'
import { type FaultName, type FaultRule, faults } from '../support/fault-s3-faults.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import type { Holdings } from './stored-content.ts'

/** What `compareWithFiles` says where all is well. */
export const whole = { lost: 0, doubled: 0, different: [] }

/** An S3 server until the test's end. */
export async function serve(options: FaultS3Options = {}): Promise<FaultS3> {
  const server = await startFaultS3(options)
  onTestFinished(() => server.close())
  return server
}

/** Some logs of several segments, and how to ship them. */
export async function setUp() {
  const directory = await tempDirectory('destinations')
  const logs = join(directory, 'logs')
  await mkdir(logs)
  for (const [name, bytes] of [
    ['big.log', patternBytes(20_000_000, 5)],
    ['small.log', patternBytes(3_000, 6)],
  ] as const)
    await writeFile(join(logs, name), bytes)
  const files = new Map<string, Uint8Array>()
  for (const name of ['big.log', 'small.log']) files.set(join(logs, name), await readFile(join(logs, name)))
  const args = (...to: string[]): string[] => [
    ...['ship', logs, '--host', 'web-1', '--state', join(directory, 'state')],
    ...to.flatMap((url) => ['--to', url]),
  ]
  return { directory, logs, files, args, root: join(directory, 'bucket') }
}

export function s3Url({ endpoint }: FaultS3, bucket: string): string {
  return `s3://${bucket}?endpoint=${endpoint}`
}

export const segmentKeys = (holdings: Holdings): string[] =>
  [...holdings.keys()].filter((key) => key.startsWith('segments/'))

/** What happens to every request to one bucket. */
export const always =
  (bucket: string, name: FaultName): FaultRule =>
  (request) =>
    request.bucket === bucket ? faults[name] : undefined
