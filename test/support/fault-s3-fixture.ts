import { onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Bucket } from '../../src/bucket/bucket.ts'
import { createS3Bucket, type S3Settings } from '../../src/bucket/s3.ts'
import { type FaultS3, type FaultS3Options, faultS3Env, startFaultS3 } from './fault-s3.ts'

/** The environment in which the fault server lets us in, whatever this machine has set. */
export function setFaultS3Env(more: Readonly<Record<string, string | undefined>> = {}): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  for (const [name, value] of Object.entries({ ...faultS3Env, ...more })) vi.stubEnv(name, value)
}

/** The same until the test ends. */
export function stubFaultS3Env(more: Readonly<Record<string, string | undefined>> = {}): void {
  setFaultS3Env(more)
  onTestFinished(() => void vi.unstubAllEnvs())
}

/** A fault server for this test. */
export async function faultS3(options: FaultS3Options = {}): Promise<FaultS3> {
  stubFaultS3Env()
  const server = await startFaultS3(options)
  onTestFinished(() => server.close())
  return server
}

/** A bucket on it, closed when the test ends. */
export function bucketOn(server: Pick<FaultS3, 'endpoint'>, settings: Partial<S3Settings> = {}): Bucket {
  const bucket = createS3Bucket({ bucket: 'bucket', prefix: '', endpoint: server.endpoint, ...settings }, systemClock)
  onTestFinished(() => bucket.close())
  return bucket
}

/** What `bucketSuite` needs: each bucket on a server of its own, which `tamper` finds again. */
export function faultS3Suite(versioned: boolean) {
  const servers = new WeakMap<Bucket, FaultS3>()
  const prefix = 'pre/fix/'
  return {
    open: async () => {
      const server = await startFaultS3({ versioned })
      const bucket = createS3Bucket({ bucket: 'bucket', prefix, endpoint: server.endpoint }, systemClock)
      servers.set(bucket, server)
      return { bucket, close: () => server.close() }
    },
    tamper: async (bucket: Bucket, key: string, body: Uint8Array | undefined): Promise<void> => {
      const objects = servers.get(bucket)?.objects
      if (body) objects?.put(prefix + key, body)
      else objects?.remove(prefix + key)
    },
  }
}

export function create(bucket: Bucket, key: string, body: Uint8Array | string = 'x', signal?: AbortSignal) {
  return bucket.put(key, Buffer.from(body), { mode: 'create', signal })
}

export async function listed(bucket: Bucket, prefix = ''): Promise<string[]> {
  const names: string[] = []
  for await (const entry of bucket.list(prefix)) names.push(entry.kind === 'object' ? entry.key : entry.prefix)
  return names
}
