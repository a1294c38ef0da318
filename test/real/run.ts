/**
 * What `.ci/run` runs once node_modules is there: check, the tests, the demo, then the suite under test/real against
 * each real server, and the rooms with tools of their own (terraform, packages, browser …). Servers are installed in the background meanwhile. One line per suite at the end, and the sum as the last.
 *
 *     node test/real/run.ts [SUITE…]       all, or some of: check test demo programs versitygw ceph-rgw …
 *
 * A server that cannot be had is said to be not run and counts as skipped; with CI=true as failed, except for those
 * that are only there to be refused.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { addTallies, formatTally, parseTally, type Tally } from '../support/tally.ts'
import { type Installed, installInTurn, toolsDirectory } from './install.ts'
import { endGroupsAtExit, ProcessGroup } from './process-group.ts'
import { awsCli, credentials, mutualTls, nginx, programs, type RealServer, realServers } from './servers.ts'
import { startServer } from './start-server.ts'

const isCi = process.env.CI === 'true'
const checkout = join(import.meta.dirname, '../..')
/** A net for what hangs. */
const suiteTimeoutMs = 25 * 60_000

interface Verdict {
  name: string
  tally: Tally
  note?: string
}

const nothing: Tally = { passed: 0, failed: 0, skipped: 0 }

/** Scripts that install their own tools, and end with a tally. */
const rooms: Record<string, readonly string[]> = {
  terraform: ['terraform/test/run'],
  'local-aws': ['localstack/test'],
  packages: ['node', 'node_modules/vitest/vitest.mjs', 'run', '--config', 'packaging/test/vitest.config.ts'],
  operations: ['packaging/prometheus/check'],
  browser: ['test/browser/run'],
}

const names = process.argv.slice(2)
const wanted = (name: string): boolean => names.length === 0 || names.includes(name)
const servers = realServers.filter(({ name }) => wanted(name))
const known = [
  'check',
  'test',
  'demo',
  programs,
  mutualTls.suite,
  ...realServers.map(({ name }) => name),
  ...Object.keys(rooms),
]
const unknown = names.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`no suite ${unknown.join(', ')}: there are ${known.join(' ')}\n`)
  process.exit(2)
}

endGroupsAtExit()
process.chdir(checkout)
// With the tools first: what is quick is ready when the tests are done.
const tools = [...(wanted(programs) ? [programs] : []), ...(servers.length > 0 ? [awsCli] : [])]
const behindNginx = wanted(mutualTls.suite) ? [nginx, mutualTls.store] : []
const installs = installInTurn([...new Set([...tools, ...behindNginx, ...servers.map(({ name }) => name)])])

const verdicts: Verdict[] = []
/** What failed, in the words of its suite. */
const failures: string[] = []
if (wanted('check')) verdicts.push(await runScript('check'))
if (wanted('test')) verdicts.push(await runTests('test', [], { LOGCASK_TEST_REGISTRY: 'true' }))
if (wanted('demo')) verdicts.push(await runScript('demo'))
if (wanted(programs)) verdicts.push(await runPrograms())
for (const server of servers) verdicts.push(await runServer(server, server.isRefused ? 'refused' : 'sound'))
if (wanted(mutualTls.suite)) verdicts.push(await runMutualTls())
for (const [name, command] of Object.entries(rooms)) if (wanted(name)) verdicts.push(await runTallied(name, command))
const aws = await installs.get(awsCli)
if (aws?.isInstalled === false) verdicts.push(notRun({ name: awsCli, isRefused: false }, aws.why))

const sum = verdicts.map(({ tally }) => tally).reduce(addTallies, nothing)
// Once more, where somebody who sees only the end of the output finds it.
for (const failure of failures) process.stdout.write(`\n${failure}\n`)
process.stdout.write('\n')
for (const { name, tally, note } of verdicts) {
  process.stdout.write(
    `${name.padEnd(12)}${note ?? `passed ${tally.passed}, failed ${tally.failed}, skipped ${tally.skipped}`}\n`,
  )
}
process.exitCode = sum.failed === 0 ? 0 : 1
process.stdout.write(`${formatTally(sum)}\n`)

/** An npm script whose exit status is all that it says. What it leaves behind goes. */
async function runScript(name: string): Promise<Verdict> {
  const TMPDIR = await mkdtemp(join(tmpdir(), 'logcask-ci-'))
  const { code } = await runSuite(name, ['npm', 'run', '--silent', name], { TMPDIR })
  await rm(TMPDIR, { recursive: true, force: true })
  return { name, tally: code === 0 ? { ...nothing, passed: 1 } : { ...nothing, failed: 1 } }
}

/** Tests of ours, by vitest. */
async function runTests(name: string, options: string[], env: Record<string, string> = {}): Promise<Verdict> {
  const vitest = join(checkout, 'node_modules/vitest/vitest.mjs')
  return runTallied(name, [process.execPath, vitest, 'run', ...options], env)
}

/** The tally that the suite ends with. One that ends without, or badly though all passed, has failed once more. */
async function runTallied(
  name: string,
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<Verdict> {
  const { code, output } = await runSuite(name, command, env)
  const tally = parseTally(output) ?? nothing
  const hasFailedSilently = code !== 0 && tally.failed === 0
  return { name, tally: hasFailedSilently ? { ...tally, failed: 1 } : tally }
}

/** Real programs write and rotate the logs. One that the packages did not bring is skipped, in its test's own name. */
async function runPrograms(): Promise<Verdict> {
  const installed = await installs.get(programs)
  if (installed?.isInstalled === false) return notRun({ name: programs, isRefused: false }, installed.why)
  const options = ['--config', 'test/scenarios/programs/vitest.config.ts']
  return runTests(programs, options, { LOGCASK_TEST_PROGRAMS: join(toolsDirectory, programs, 'root') })
}

/** The tests of a room below test/real against a server of their own; `name` is the suite's, if that is not the server's. */
async function runServer(
  server: RealServer,
  room: string,
  { name = server.name, env = {} }: { name?: string; env?: Record<string, string> } = {},
): Promise<Verdict> {
  const installed = await installs.get(server.name)
  const suite = { name, isRefused: server.isRefused }
  if (installed === undefined || !installed.isInstalled) return notRun(suite, installed?.why ?? 'never installed')
  try {
    const started = await startServer(server.name)
    try {
      const described = JSON.stringify({ ...server, ...credentials, endpoint: started.endpoint })
      const options = ['--config', 'test/real/vitest.config.ts', `test/real/${room}/`]
      const verdict = await runTests(name, options, { ...env, LOGCASK_TEST_S3: described, ...(await awsCommand()) })
      if (verdict.tally.failed > 0)
        process.stdout.write(`\n${server.name} wrote at last:\n${(await started.log()).slice(-2000)}\n`)
      return verdict
    } finally {
      await started.stop()
    }
  } catch (error) {
    return notRun(suite, error instanceof Error ? error.message : String(error))
  }
}

/** Client certificates, by a real proxy in front of a real store. */
async function runMutualTls(): Promise<Verdict> {
  const { suite, store } = mutualTls
  const installed = await installs.get(nginx)
  if (installed?.isInstalled === false) return notRun({ name: suite, isRefused: false }, installed.why)
  const server = realServers.find(({ name }) => name === store)
  if (server === undefined) throw new Error(`no server ${store}`)
  const env = { LOGCASK_TEST_NGINX: join(toolsDirectory, nginx, 'root/usr/sbin/nginx') }
  return runServer(server, 'transport', { name: suite, env })
}

async function awsCommand(): Promise<Record<string, string>> {
  const command = join(toolsDirectory, awsCli, 'venv/bin/aws')
  const installed: Installed | undefined = await installs.get(awsCli)
  return installed?.isInstalled && existsSync(command) ? { LOGCASK_TEST_AWS: command } : {}
}

function notRun({ name, isRefused }: Pick<RealServer, 'name' | 'isRefused'>, why: string): Verdict {
  const tally = isCi && !isRefused ? { ...nothing, failed: 1 } : { ...nothing, skipped: 1 }
  return { name, tally, note: `not run: ${why}` }
}

async function runSuite(
  name: string,
  command: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number; output: string }> {
  process.stdout.write(`\n── ${name}\n`)
  let output = ''
  const group = new ProcessGroup(command, {
    env,
    onOutput: (text) => {
      process.stdout.write(text)
      output = (output + text).slice(-65_536)
    },
  })
  const timeout = setTimeout(() => group.killNow(), suiteTimeoutMs)
  const code = await group.ended
  clearTimeout(timeout)
  if (code !== 0) failures.push(`── ${name} failed:\n${failureIn(stripVTControlCharacters(output))}`)
  return { code, output }
}

/** From vitest's list of what failed on, else the last words. */
function failureIn(output: string): string {
  const list = output.search(/^⎯+ Failed (Tests|Suites)|^⎯+ Unhandled/m)
  return (list < 0 ? output.slice(-3000) : output.slice(list, list + 6000)).trim()
}
