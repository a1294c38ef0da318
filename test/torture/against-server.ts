/**
 * Torture against a real server that test/real knows how to install and start; nothing of it is left afterwards:
 *
 *     node test/torture/against-server.ts versitygw --minutes 5 --seed 1
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { installInTurn } from '../real/install.ts'
import { endGroupsAtExit } from '../real/process-group.ts'
import { credentials, realServers } from '../real/servers.ts'
import { startServer } from '../real/start-server.ts'

const [name = '', ...args] = process.argv.slice(2)
if (!realServers.some((server) => server.name === name)) {
  process.stderr.write(`which server? ${realServers.map((server) => server.name).join(' ')}\n`)
  process.exit(2)
}
endGroupsAtExit()
const installed = await installInTurn([name]).get(name)
if (installed?.isInstalled !== true) {
  process.stderr.write(`${name}: not run: ${installed?.why}\n`)
  process.exit(2)
}
const server = await startServer(name)
try {
  const bucket = 'torture'
  await createBucket(server.endpoint, bucket)
  const url = `s3://${bucket}?endpoint=${server.endpoint}`
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: credentials.accessKey,
    AWS_SECRET_ACCESS_KEY: credentials.secretKey,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  }
  const torture = spawn(process.execPath, [join(import.meta.dirname, 'torture.ts'), '--to', url, ...args], {
    env,
    stdio: 'inherit',
  })
  const [code] = await once(torture, 'exit')
  process.exitCode = code ?? 1
} finally {
  await server.stop()
}

async function createBucket(endpoint: string, bucket: string): Promise<void> {
  const { accessKey, secretKey } = credentials
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
}
