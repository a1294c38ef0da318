import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { commandMs, ended, toolMs } from '../packaging/run.ts'
import { checkout } from './place.ts'

/**
 * `localstack/test [ministack|localstack]`: up, demo, down, twice in a row; nothing may be left. In a directory of its own, so that one that
 * is up for somebody is left alone. The last line is the sum.
 */
const tally = { passed: 0, failed: 0, skipped: 0 }
const stores = process.argv.length > 2 ? process.argv.slice(2) : ['ministack', 'localstack']

await checkCompose()

for (const store of stores) {
  const home = mkdtempSync(join(tmpdir(), 'logcask-local-'))
  const place = join(home, 'run')
  try {
    for (const round of [1, 2]) {
      const up = await script('up', place, store)
      if (up.code !== 0 && round === 1 && /not installed|never installed/.test(up.output)) {
        print(`${store}: not run, ${up.output.trim().split('\n').at(-1)}`)
        // What .ci/run asks for and cannot have is a failure there, as for other servers.
        if (process.env.CI === 'true') tally.failed++
        else tally.skipped++
        break
      }
      check(`${store}, round ${round}: up`, up.code === 0, up.output)
      if (up.code === 0) {
        const again = await script('up', place, store)
        check(
          `${store}, round ${round}: up again changes nothing`,
          again.code === 0 && again.output.startsWith('already up'),
          again.output,
        )
        const demo = await script('demo', place)
        const isWell = demo.code === 0 && demo.output.includes('0 lost, 0 doubled, 0 rewritten')
        check(`${store}, round ${round}: demo`, isWell, isWell ? '' : demo.output + logsIn(place))
      }
      const down = await script('down', place)
      check(`${store}, round ${round}: down`, down.code === 0, down.output)
      check(
        `${store}, round ${round}: no file is left`,
        !existsSync(place) && readdirSync(home).length === 0,
        readdirSync(home).join(' '),
      )
      // Where LocalStack keeps objects if nobody says otherwise, and forgets them.
      const forgotten = ['acme-logs', 'acme-archive']
        .map((name) => join('/tmp/localstack-s3-storage', name))
        .filter((path) => existsSync(path))
      check(`${store}, round ${round}: no object is left elsewhere`, forgotten.length === 0, forgotten.join(' '))
      const left = processesOf(place)
      check(`${store}, round ${round}: no process is left`, left.length === 0, left.join('\n'))
    }
    const down = await script('down', place)
    check(`${store}: down where nothing is up`, down.code === 0 && down.output.includes('nothing was up'), down.output)
  } finally {
    await script('down', place)
    rmSync(home, { recursive: true, force: true })
  }
}

process.exitCode = tally.failed === 0 ? 0 : 1
print(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)

/** There may be no Docker: then what the files name is looked at, and the configurations are read by the commands that get them. */
async function checkCompose(): Promise<void> {
  for (const [file, agent, server] of [
    ['compose.yaml', 'agent.yaml', 'server.yaml'],
    ['compose.minio.yaml', 'agent.minio.yaml', 'server.minio.yaml'],
  ] as const) {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8')
    const { services, volumes } = parse(text, { merge: true }) as Compose
    const wrong = Object.entries(services).flatMap(([name, service]) => [
      ...(/:(?!latest)[\w.-]+$/.test(service.image) ? [] : [`${name}: ${service.image} is not pinned`]),
      ...(service.ports ?? [])
        .filter((port) => !port.startsWith('127.0.0.1:'))
        .map((port) => `${name}: ${port} is open`),
      ...Object.keys(service.depends_on ?? {})
        .filter((other) => !(other in services))
        .map((other) => `${name}: no ${other}`),
      ...(service.volumes ?? [])
        .map((volume) => volume.split(':')[0] ?? '')
        .filter((volume) => volume !== '..' && !(volume in volumes))
        .map((volume) => `${name}: no volume ${volume}`),
      ...(service.command ?? [])
        .flatMap((word) => word.match(/(?:localstack|src)\/[\w./-]+/g) ?? [])
        .filter((path) => !existsSync(join(checkout, path)))
        .map((path) => `${name}: no ${path}`),
    ])
    check(
      `${file}: images are pinned, ports are for this machine alone, and all that is named is there`,
      wrong.length === 0,
      wrong.join('\n'),
    )
    const configuration = join(import.meta.dirname, 'compose', server)
    const asked = await program(['serve', '--check', '-c', configuration])
    check(`${file}: serve takes ${server}`, asked.code === 0, asked.output)
    const home = mkdtempSync(join(tmpdir(), 'logcask-local-'))
    const config = join(home, 'agent.yaml')
    // What only the local AWS tells.
    const own = readFileSync(join(import.meta.dirname, 'compose', agent), 'utf8').replace(
      '{aws_userid}',
      'AROA:i-web-1',
    )
    writeFileSync(config, own.replace('/var/lib/logcask', join(home, 'state')))
    const validated = await program(['validate', '-c', config])
    check(`${file}: validate takes ${agent}`, validated.code === 0, validated.output)
    rmSync(home, { recursive: true, force: true })
  }
}

interface Compose {
  services: { [name: string]: Service }
  volumes: { [name: string]: unknown }
}

interface Service {
  image: string
  ports?: string[]
  volumes?: string[]
  command?: string[]
  depends_on?: { [name: string]: unknown }
}

async function program(args: string[]): Promise<{ code: number; output: string }> {
  return outcome(process.execPath, [join(checkout, 'src/main.ts'), ...args], {}, commandMs)
}

function check(what: string, isSo: boolean, otherwise: string): void {
  tally[isSo ? 'passed' : 'failed']++
  print(`${isSo ? '✔' : '✖'} ${what}`)
  if (!isSo) print(otherwise)
}

async function script(name: string, place: string, ...args: string[]): Promise<{ code: number; output: string }> {
  return outcome(join(import.meta.dirname, name), args, { LOGCASK_LOCAL_DIR: place }, toolMs)
}

/** What hung has failed, in the words that say so. */
async function outcome(
  path: string,
  args: string[],
  env: { [name: string]: string },
  withinMs: number,
): Promise<{ code: number; output: string }> {
  try {
    const { code, stdout, stderr } = await ended(path, args, { env: { ...process.env, ...env }, withinMs })
    return { code, output: stdout + stderr }
  } catch (error) {
    return { code: 1, output: error instanceof Error ? error.message : String(error) }
  }
}

/** Whatever names the place on its command line, in its environment, or as its directory. */
function processesOf(place: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const words = ['cmdline', 'environ'].map((file) =>
          readFileSync(`/proc/${pid}/${file}`, 'latin1').replaceAll('\0', ' '),
        )
        return words.some((text) => text.includes(place)) ? [`${pid} ${words[0]}`] : []
      } catch {
        // Gone, or not ours.
        return []
      }
    })
}

function logsIn(place: string): string {
  if (!existsSync(place)) return ''
  const logs = readdirSync(place).filter((name) => name.endsWith('.log'))
  return logs.map((name) => `\n── ${name}\n${readFileSync(join(place, name), 'utf8').slice(-1500)}`).join('')
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
