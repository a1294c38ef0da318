/**
 * What the daemon holds in memory while one of three destinations hangs with 1 GiB to go. Prints, asserts nothing:
 *   node test/crash/agent-memory.ts [MIB]
 * The destination that hangs passes the probe and takes no segment; the other two are directories. (`npm run bench hanging`
 * measures the same of `ship`, to S3.)
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mainFile } from '../scenarios/main-file.ts'
import { holdingsSizeBelow } from '../scenarios/stored-content.ts'
import { faultS3Env, startFaultS3 } from '../support/fault-s3.ts'
import { patternBytes } from '../support/pattern-bytes.ts'
import { makeTempDirectory } from '../support/temp-directory.ts'

const mebibytes = Number(process.argv[2] ?? 1024)
const { path: directory, remove } = await makeTempDirectory('memory')
const server = await startFaultS3()
server.fault(({ key }) => (key.startsWith('segments/') ? { kind: 'hang' } : undefined))
try {
  const log = join(directory, 'big.log')
  await writeBigFile(log)
  const roots = ['a', 'b'].map((name) => join(directory, name))
  const config = join(directory, 'agent.yaml')
  await writeFile(
    config,
    JSON.stringify({
      host: 'memory-1',
      state: join(directory, 'state'),
      sources: [{ name: 'log', include: [log] }],
      destinations: [
        ...roots.map((root) => ({ url: `file://${root}` })),
        { url: 's3://bucket', endpoint: server.endpoint },
      ],
      drainTimeout: '0s',
    }),
  )
  const agent = spawn(process.execPath, [mainFile, 'agent', '-c', config], {
    env: { PATH: process.env.PATH, ...faultS3Env },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const startMs = performance.now()
  const total = roots.length * mebibytes * 2 ** 20
  for (let stored = 0; stored < total; ) {
    if (agent.exitCode !== null) throw new Error(`the agent ended with ${agent.exitCode}`)
    await sleep(200)
    stored = 0
    for (const root of roots) stored += await holdingsSizeBelow(root)
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  const status = await readFile(`/proc/${agent.pid}/status`, 'utf8')
  const peakKib = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1])
  console.log(
    `${mebibytes} MiB to two directories in ${seconds} s, the third hangs · VmHWM ${(peakKib / 1024).toFixed(0)} MiB`,
  )
  agent.kill('SIGTERM')
  await once(agent, 'exit')
} finally {
  await server.close()
  await remove()
}

async function writeBigFile(path: string): Promise<void> {
  const handle = await open(path, 'w')
  for (let at = 0; at < mebibytes; at += 16)
    await handle.write(patternBytes(Math.min(16, mebibytes - at) * 2 ** 20, at + 1))
  await handle.close()
}
