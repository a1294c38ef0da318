import { execFile } from 'node:child_process'
import type { S3Target } from './target.ts'

/** `logcask doctor`, past the proxy. Rejects with what it found where logs must not be shipped there anyway. */
export async function requireFit(target: S3Target, logcask: (...args: string[]) => string[]): Promise<void> {
  const { url, endpoint, region, profile, caFile } = target
  const more = [...(profile ? ['--profile', profile] : []), ...(caFile ? ['--ca', caFile] : [])]
  const [program = '', ...args] = logcask('doctor', url, '--endpoint', endpoint, '--region', region, ...more)
  const { isFit, output } = await new Promise<{ isFit: boolean; output: string }>((resolve) => {
    execFile(program, args, (error, stdout, stderr) => resolve({ isFit: error === null, output: stderr + stdout }))
  })
  if (!isFit) throw new Error(`${url} is not fit, nothing was tried\n${output.trimEnd()}`)
}
