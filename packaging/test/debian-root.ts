import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { toolsDirectory } from '../../test/real/install.ts'
import { makeTempDirectory } from '../../test/support/temp-directory.ts'
import { type Ended, hasProgram, programPath, run, succeed } from './programs.ts'

const release = 'bookworm'
const mirror = process.env.LOGCASK_TEST_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'

/** Why no fresh Debian can be had here; undefined: it can. */
export const noDebian: string | undefined =
  process.getuid?.() !== 0
    ? 'not run: only root may chroot'
    : !['chroot', 'unshare', 'mount', 'dpkg-deb', 'apt-get'].every(hasProgram)
      ? 'not run: no chroot, unshare, dpkg-deb or apt-get'
      : undefined

/** A directory that is a Debian machine: what `debootstrap --variant=minbase` makes, and the packages named. */
export class DebianRoot {
  readonly path: string
  readonly #remove: () => Promise<void>

  private constructor(path: string, remove: () => Promise<void>) {
    this.path = path
    this.#remove = remove
  }

  static async open(...packages: string[]): Promise<DebianRoot> {
    const kept = await prepared(packages)
    const { path, remove } = await makeTempDirectory('debian')
    await succeed('cp', ['-a', '--reflink=auto', `${kept}/.`, path])
    return new DebianRoot(path, remove)
  }

  close(): Promise<void> {
    return this.#remove()
  }

  file(path: string): string {
    return join(this.path, path)
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(this.file(path)), { recursive: true })
    await writeFile(this.file(path), content)
  }

  async copy(from: string, to: string): Promise<void> {
    await cp(from, this.file(to))
  }

  /** What a shell in it says to a script. The network is this machine's. */
  sh(script: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const [program, ...args] = this.#command(['sh', '-euc', script])
    return run(program, args, { env: { ...plainEnv, ...env } })
  }

  async succeed(script: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.sh(script, env)
    if (code !== 0) throw new Error(`${script}: status ${code}\n${stdout}\n${stderr}`)
    return stdout
  }

  /** A program that runs until it is stopped; its process is the program's own. */
  start(command: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const [program, ...args] = this.#command(command)
    return startProgram(program, args, { ...plainEnv, ...env })
  }

  #command(command: readonly string[]): [string, ...string[]] {
    // Mounts of its own go with its last process. /dev and /proc as any machine has them.
    const inside = `mount --make-rprivate / && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"`
    return [programPath('unshare') ?? 'unshare', '--mount', 'sh', '-c', inside, this.path, ...command]
  }
}

const plainEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: '/root',
}

export interface Running {
  pid: number
  said: () => string
  /** SIGTERM, and SIGKILL where that does not help in a minute; resolves to its status. */
  stop(): Promise<number | null>
  ended: Promise<number | null>
}

export function startProgram(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(program, [...args], { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk
    })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code))
  })
  return {
    pid: child.pid ?? -1,
    said: () => said,
    ended,
    async stop() {
      child.kill('SIGTERM')
      const net = setTimeout(() => child.kill('SIGKILL'), 60_000)
      return ended.finally(() => clearTimeout(net))
    },
  }
}

/** Made once and kept, as the servers of test/real are. */
async function prepared(packages: readonly string[]): Promise<string> {
  const kept = join(toolsDirectory, `debian-${[release, ...packages].join('-')}`)
  if (existsSync(kept)) return kept
  const making = `${kept}.making`
  await rm(making, { recursive: true, force: true })
  await mkdir(toolsDirectory, { recursive: true })
  if (packages.length === 0) await debootstrap(making)
  else {
    await succeed('cp', ['-a', '--reflink=auto', await prepared([]), making])
    // As the machine reaches its mirror.
    await succeed('cp', ['-L', '/etc/resolv.conf', join(making, 'etc/resolv.conf')])
    const install = `apt-get update -q && apt-get install -y --no-install-recommends ${packages.join(' ')} && apt-get clean`
    await succeed('chroot', [making, 'sh', '-c', install], {
      env: { ...process.env, PATH: plainEnv.PATH, DEBIAN_FRONTEND: 'noninteractive' },
      withinMs: 600_000,
    })
  }
  await rename(making, kept)
  return kept
}

async function debootstrap(target: string): Promise<void> {
  const args = ['--variant=minbase', release, target, mirror]
  const installed = programPath('debootstrap')
  if (installed !== undefined) return void (await succeed(installed, args, { withinMs: 900_000 }))
  // It is a script: unpacked, it runs from where it lies.
  const { path, remove } = await makeTempDirectory('debootstrap')
  try {
    await succeed('apt-get', ['download', 'debootstrap'], { cwd: path })
    await succeed('sh', ['-c', 'dpkg-deb -x debootstrap_*.deb .'], { cwd: path })
    const env = { ...process.env, DEBOOTSTRAP_DIR: join(path, 'usr/share/debootstrap') }
    await succeed(join(path, 'usr/sbin/debootstrap'), args, { env, withinMs: 900_000 })
  } finally {
    await remove()
  }
}
