import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { FaultS3 } from './fault-s3.ts'
import { randomFaults } from './fault-s3-faults.ts'
import { bucketOn, create, faultS3, stubFaultS3Env } from './fault-s3-fixture.ts'

/** The SDK as others use it: its own checksums, and none of our settings. */
function plainClient({ endpoint }: FaultS3): S3Client {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 })
  onTestFinished(() => client.destroy())
  return client
}

const object = { Bucket: 'bucket', Key: 'files/a' }

describe('the fault S3 server', () => {
  it.each([
    [{ ChecksumSHA256: Buffer.alloc(32).toString('base64') }, 'BadDigest'],
    [{ ChecksumCRC32: 'AAAAAA==' }, 'BadDigest'],
    [{ ContentMD5: Buffer.alloc(16).toString('base64') }, 'BadDigest'],
  ])('verifies what comes with a body, as AWS does: %o', async (digest, name) => {
    const server = await faultS3()
    const put = plainClient(server).send(new PutObjectCommand({ ...object, Body: 'body', ...digest }))
    await expect(put).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } })
    expect(server.objects.keys()).toEqual([])
  })

  it('takes what the SDK sends by default, and answers HEAD and DELETE', async () => {
    const server = await faultS3()
    const client = plainClient(server)
    await client.send(new PutObjectCommand({ ...object, Body: 'body', Metadata: { a: 'b' } }))
    expect(await client.send(new HeadObjectCommand(object))).toMatchObject({ ContentLength: 4, Metadata: { a: 'b' } })
    await client.send(new DeleteObjectCommand(object))
    await expect(client.send(new HeadObjectCommand(object))).rejects.toMatchObject({ name: 'NotFound' })
  })

  it('keeps multipart uploads out of sight until they are completed, on the condition as it is then', async () => {
    const server = await faultS3()
    const client = plainClient(server)
    const begin = async (): Promise<string> => {
      const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ ...object, Metadata: { a: 'b' } }))
      for (const [at, Body] of ['one', 'two'].entries()) {
        await client.send(new UploadPartCommand({ ...object, UploadId, PartNumber: at + 1, Body }))
      }
      return UploadId
    }
    const complete = (UploadId: string) =>
      client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, IfNoneMatch: '*' }))
    const uploads = [await begin(), await begin(), await begin()] as const
    expect(server.objects.keys()).toEqual([])
    await client.send(new AbortMultipartUploadCommand({ ...object, UploadId: uploads[2] }))
    await expect(complete(uploads[2])).rejects.toMatchObject({ name: 'NoSuchUpload' })
    await complete(uploads[0])
    await expect(complete(uploads[1])).rejects.toMatchObject({ name: 'PreconditionFailed' })
    expect(server.objects.current(object.Key)).toMatchObject({ body: Buffer.from('onetwo'), metadata: { a: 'b' } })
  })

  it('lets nobody in without a signature', async () => {
    const server = await faultS3()
    expect((await fetch(`${server.endpoint}/bucket/files/a`)).status).toBe(403)
  })

  it('turns back to what it held', async () => {
    const { objects } = await faultS3()
    objects.put('files/a', '1')
    const backup = objects.snapshot()
    objects.put('files/a', '2')
    objects.put('files/b', '3')
    objects.restore(backup)
    expect(objects.keys()).toEqual(['files/a'])
    expect(objects.body('files/a')?.toString()).toBe('1')
  })

  it('chooses the same faults for the same seed, each as often as it was told', () => {
    const draw = (seed: number): (string | undefined)[] => {
      const rule = randomFaults({ lost: 0.1, '503': 0.3 }, seed)
      const request = { operation: 'PutObject', method: 'PUT', bucket: 'b', key: 'k', bytes: 0, attempt: 1 } as const
      return Array.from({ length: 1000 }, () => rule(request)?.kind)
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    expect(draw(7).filter((kind) => kind === 'lost').length / 1000).toBeCloseTo(0.1, 1)
    expect(draw(7).filter((kind) => kind === 'instead').length / 1000).toBeCloseTo(0.3, 1)
  })

  it('runs as a process, with faults that can be turned off', async () => {
    stubFaultS3Env()
    const main = fileURLToPath(new URL('fault-s3-main.ts', import.meta.url))
    const child = spawn(process.execPath, [main, '--buckets', 'bucket,other', '--faults', '503=1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = await once(createInterface(child.stdout), 'line')
    const { endpoint } = JSON.parse(line)
    const bucket = bucketOn({ endpoint }, { bucket: 'other' })
    await expect(create(bucket, 'files/a')).rejects.toMatchObject({ message: expect.stringContaining('503 SlowDown') })
    child.kill('SIGUSR2')
    await expect.poll(() => create(bucket, 'files/a').catch(() => 'busy'), { timeout: 5_000 }).toBe('created')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})
