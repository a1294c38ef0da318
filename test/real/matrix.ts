/**
 * `npm run matrix`: asks `logcask doctor` about every real server that this machine can install and start, and writes what
 * it says into docs/stores.md, between the two marks. With names: only those; the rows of others stay.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { installInTurn } from './install.ts'
import { type Finding, type MatrixRow, mergeRows, parseRows, renderRows, replaceBetween } from './matrix-table.ts'
import { endGroupsAtExit } from './process-group.ts'
import { credentials, type RealServer, realServers } from './servers.ts'
import { startServer } from './start-server.ts'

const checkout = join(import.meta.dirname, '../..')
const page = join(checkout, 'docs/stores.md')
const region = 'us-east-1'
const bucket = 'logcask-matrix'

endGroupsAtExit()
const names = process.argv.slice(2)
const servers = realServers.filter(({ name }) => names.length === 0 || names.includes(name))
const installs = installInTurn(servers.map(({ name }) => name))
const rows: MatrixRow[] = []
for (const server of servers) {
  const installed = await installs.get(server.name)
  const row = installed?.isInstalled ? await ask(server) : undefined
  process.stdout.write(`${row === undefined ? `${server.name}: not run` : `${server.name}: ${row.verdict}`}\n`)
  if (row !== undefined) rows.push(row)
}
const text = await readFile(page, 'utf8')
await writeFile(page, replaceBetween(text, renderRows(mergeRows(parseRows(text), rows))))

async function ask({ name }: RealServer): Promise<MatrixRow> {
  const started = await startServer(name)
  try {
    await makeBucket(started.endpoint)
    const url = `s3://${bucket}/logs`
    const main = join(checkout, 'src/main.ts')
    const env = {
      ...process.env,
      AWS_ACCESS_KEY_ID: credentials.accessKey,
      AWS_SECRET_ACCESS_KEY: credentials.secretKey,
      AWS_REGION: region,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    const args = [main, 'doctor', url, '--endpoint', started.endpoint, '--host', 'matrix', '--json']
    const { stdout } = await promisify(execFile)(process.execPath, args, { env }).catch(
      (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
    )
    const told = JSON.parse(stdout) as { passed?: boolean; findings?: Finding[]; error?: { message: string } }
    return {
      store: `${name} ${await versionOf(name)}`.trim(),
      date: new Date().toISOString().slice(0, 10),
      verdict: told.passed === true ? 'may be used' : 'refused',
      findings: told.findings ?? [{ check: 'answer', state: 'failed', seen: told.error?.message ?? 'none' }],
    }
  } finally {
    await started.stop()
  }
}

async function makeBucket(endpoint: string): Promise<void> {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: credentials.accessKey, secretAccessKey: credentials.secretKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
}

/** As the recipe pins it; Ceph's is its package's. */
async function versionOf(name: string): Promise<string> {
  if (name === 'ceph-rgw') {
    const { stdout } = await promisify(execFile)('dpkg-query', ['-W', '-f', '$' + '{Version}', 'radosgw'])
    return stdout.split('+')[0] ?? stdout
  }
  const recipe = await readFile(join(import.meta.dirname, 'servers', `${name}.sh`), 'utf8')
  return /(?:@v|==|<artifactId>s3proxy<\/artifactId><version>)(\d+(?:\.\d+)+)(?=['"\s<]|$)/m.exec(recipe)?.[1] ?? ''
}
