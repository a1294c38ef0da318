import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { endNow, startLogcask, until } from '../scenarios/logcask-process.ts'
import { mainFile } from '../scenarios/main-file.ts'
import { type FaultS3, faultS3Env, startFaultS3 } from '../support/fault-s3.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type Block, cronCommands } from './page.ts'

const region = 'eu-central-1'

export interface PlaceOptions {
  buckets?: readonly string[]
  /** Programs that this machine lacks, or must not run: name → script of a shell. */
  programs?: Readonly<Record<string, string>>
}

interface Ended {
  code: number
  stdout: string
  stderr: string
}

/**
 * A machine on which a page is followed to the letter: `/etc`, `/var`, `/srv` are directories of the test, `s3://` is a
 * server on loopback, and `systemctl` starts and stops an agent.
 */
export class MovingPlace {
  readonly root: string
  readonly server: FaultS3
  readonly env: Record<string, string>
  /** What stands on the page for an address that only the test knows → what it is here. */
  readonly stands = new Map<string, string>()

  private constructor(root: string, server: FaultS3) {
    this.root = root
    this.server = server
    this.env = {
      ...faultS3Env,
      PATH: `${join(root, 'bin')}:${process.env.PATH}`,
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_REGION: region,
      STATE_DIRECTORY: this.path('/var/lib/logcask'),
    }
  }

  static async open({
    buckets = ['acme-logs', 'acme-logs-us', 'acme-archive'],
    programs = {},
  }: PlaceOptions = {}): Promise<MovingPlace> {
    const root = await tempDirectory('moving-in')
    const server = await startFaultS3({ region, buckets })
    onTestFinished(() => server.close())
    const place = new MovingPlace(root, server)
    for (const directory of ['/etc/logcask', '/var/log', '/var/lib', '/var/tmp', '/srv', '/mnt', '/root'])
      await mkdir(place.path(directory), { recursive: true })
    await place.#write('bin/logcask', logcaskScript(place.path('/etc/logcask')))
    await place.#write('bin/systemctl', systemctlScript(root))
    for (const [name, text] of Object.entries(programs)) await place.#write(`bin/${name}`, `#!/bin/bash\n${text}\n`)
    onTestFinished(async () => void (await place.#bash('systemctl stop logcask')))
    return place
  }

  /** Where a path of the page is here. */
  path(path: string): string {
    return join(this.root, path)
  }

  async file(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(this.path(path)), { recursive: true })
    await writeFile(this.path(path), content)
  }

  /** These files have not changed for an hour. */
  async longAgo(...paths: string[]): Promise<void> {
    const at = new Date(Date.now() - 3_600_000)
    for (const path of paths) await utimes(this.path(path), at, at)
  }

  /** Does what the page says. What ends otherwise than with 0 fails the test. */
  async follow({ kind, text }: Block, isServed: () => boolean | Promise<boolean> = () => true): Promise<string> {
    const here = this.here(text)
    if (kind === 'yaml' || kind === 'toml') return this.#configure(here)
    if (kind === 'sh service') return this.whileRuns(text, isServed, async () => {})
    if (kind === 'sh') return this.#succeed(here)
    if (kind === 'cron') return (await Promise.all(cronCommands(here).map((line) => this.#succeed(line)))).join('\n')
    if (kind === 'text') return ''
    throw new Error(`nobody knows what to do with a block of ${kind}`)
  }

  /** A text of the page, with what stands here for its paths and addresses. */
  here(text: string): string {
    const paths = text.replace(/(?<![\w.])\/(etc|var|srv|mnt|root)\//g, `${this.root}/$1/`)
    return [...this.stands].reduce((known, [there, here]) => known.replaceAll(there, here), paths)
  }

  /** The first line of a configuration says where it goes; there it must be valid. */
  async #configure(text: string): Promise<string> {
    const name = /^# (\S+\.(?:yaml|toml))/.exec(text)?.[1]
    const file = name === undefined ? undefined : resolve(this.root, name)
    if (file === undefined) throw new Error(`no file is named in the first line of ${text}`)
    await this.#bash(`systemctl stop logcask; rm -f '${dirname(file)}'/*`)
    await writeFile(file, text)
    return this.#succeed(`logcask validate -c '${file}'`)
  }

  /** What a supervisor runs: started, left alone until it has done what it should; meanwhile `during`; and stopped. */
  async whileRuns(
    text: string,
    isServed: () => boolean | Promise<boolean>,
    during: () => Promise<unknown>,
  ): Promise<string> {
    await this.#write('bin/run', `#!/bin/sh\n${this.here(text)}`)
    const running = startLogcask([], { by: [join(this.root, 'bin/run')], cwd: this.root, env: this.env })
    onTestFinished(() => endNow(running))
    const isOver = (): boolean => running.process.exitCode !== null
    const context = running.stderr
    await until('the service has done it', async () => isOver() || (await isServed()), { withinMs: 90_000, context })
    await during()
    running.process.kill('SIGTERM')
    const { code, stderr } = await running.ended
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    return stderr
  }

  async #succeed(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.#bash(script)
    expect({ code, said: code === 0 ? '' : `${script}\n${stdout}${stderr}${await this.#journal()}` }).toEqual({
      code: 0,
      said: '',
    })
    return stdout + stderr
  }

  #bash(script: string): Promise<Ended> {
    return new Promise((resolve) => {
      const options = { cwd: this.root, env: this.env, timeout: 120_000 }
      execFile('bash', ['--norc', '-euo', 'pipefail', '-c', script], options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr })
      })
    })
  }

  #journal(): Promise<string> {
    return readFile(join(this.root, 'journal'), 'utf8').catch(() => '')
  }

  async #write(name: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.root, name)), { recursive: true })
    await writeFile(join(this.root, name), text)
    await chmod(join(this.root, name), 0o755)
  }
}

/** The command, whose configuration is in its usual place, were this not a test. */
function logcaskScript(directory: string): string {
  return `#!/bin/bash
run() { exec '${process.execPath}' '${mainFile}' "$@"; }
case " $* " in *" -c "*) run "$@" ;; esac
case "$1" in agent|validate|status|why|wait|drain) name=$1; shift; run "$name" -c '${directory}'/agent.* "$@" ;; esac
run "$@"
`
}

/** Of Logcask's service as systemd does it; others are not here. */
function systemctlScript(root: string): string {
  return `#!/bin/bash
pid='${root}/pid'
case "$*" in
  'start logcask'|'start logcask-agent'|'enable --now logcask-agent')
    rm -f "$STATE_DIRECTORY"/status.json
    logcask agent </dev/null >'${root}/journal' 2>&1 &
    echo $! > "$pid"
    until [ -e "$STATE_DIRECTORY"/status.json ]; do kill -0 $(cat "$pid") || exit 1; sleep 0.1; done ;;
  'stop logcask'|'stop logcask-agent'|'disable --now logcask-agent')
    [ -e "$pid" ] || exit 0
    kill $(cat "$pid"); while kill -0 $(cat "$pid") 2>/dev/null; do sleep 0.05; done
    rm "$pid" ;;
  'stop rsyslog nginx'|'stop shaftlog-client'|'stop loghamsterc'|'stop fluent-bit') ;;
  *) echo "unknown: systemctl $*" >&2; exit 1 ;;
esac
`
}
