import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type DebianRoot, noDebian, type Running, startProgram } from './debian-root.ts'
import { type Ended, programPath, run } from './programs.ts'

const hierarchies = '/sys/fs/cgroup'

/** Why systemd cannot be booted here; undefined: it can. */
export const noBoot: string | undefined =
  noDebian ??
  (existsSync(join(hierarchies, 'cgroup.controllers')) || existsSync(join(hierarchies, 'systemd'))
    ? undefined
    : 'not run: no cgroups to give to a systemd')

/**
 * A Debian machine that runs: systemd is its first process, in namespaces and control groups of its own, so that units
 * mean what they mean. Its network is this machine's.
 */
export class BootedRoot {
  readonly root: DebianRoot
  readonly #group: string
  readonly #unshare: Running
  readonly #init: number

  private constructor(root: DebianRoot, group: string, unshare: Running, init: number) {
    this.root = root
    this.#group = group
    this.#unshare = unshare
    this.#init = init
  }

  static async boot(root: DebianRoot): Promise<BootedRoot> {
    await root.write('/etc/hostname', 'web-1\n')
    await root.write('/etc/machine-id', '')
    await root.write('/var/log/console.log', '')
    // There is no terminal.
    await symlink('/dev/null', root.file('/etc/systemd/system/console-getty.service'))
    const group = `logcask-test-${process.pid}`
    const script = bootScript(group)
    const unshare = startProgram(programPath('sh') ?? 'sh', ['-euc', script, root.path], {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    })
    const booted = new BootedRoot(root, group, unshare, await childOf(unshare))
    for (let attempt = 0; attempt < 300; attempt++) {
      const { stdout } = await booted.run(['systemctl', 'is-system-running'])
      // Degraded: a namespace has not all that a machine has.
      if (/^(running|degraded)$/m.test(stdout)) return booted
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const said = unshare.said() + (await readFile(root.file('/var/log/console.log'), 'utf8'))
    await booted.close()
    throw new Error(`systemd did not come up: ${said}`)
  }

  run(command: readonly string[]): Promise<Ended> {
    const namespaces = ['-m', '-p', '-u', '-i', '-C', '-r', '-w']
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
      DEBIAN_FRONTEND: 'noninteractive',
    }
    return run(programPath('nsenter') ?? 'nsenter', ['-t', String(this.#init), ...namespaces, ...command], { env })
  }

  /** What a shell in it says to a script; whatever ends otherwise than with 0 throws, with the journal. */
  async succeed(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(['bash', '-euo', 'pipefail', '-c', script])
    if (code === 0) return stdout
    const journal = await this.run(['journalctl', '--no-pager', '-n', '40', '-o', 'cat'])
    throw new Error(`${script}: status ${code}\n${stdout}\n${stderr}\njournal:\n${journal.stdout}`)
  }

  /** A value of `systemctl show`. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.succeed(`systemctl show -P ${property} ${unit}`)).trim()
  }

  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 600; attempt++) {
      if (await isSo()) return
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const journal = await this.run(['journalctl', '--no-pager', '-n', '60', '-o', 'cat'])
    throw new Error(`never: ${what}\n${journal.stdout}`)
  }

  /** The machine is switched off in good order: every unit is stopped. */
  async powerOff(): Promise<void> {
    await this.run(['systemctl', 'poweroff'])
    const net = setTimeout(() => process.kill(this.#init, 'SIGKILL'), 150_000)
    await this.#unshare.ended.finally(() => clearTimeout(net))
  }

  /** All its processes end with their first. */
  async close(): Promise<void> {
    if (existsSync(`/proc/${this.#init}`)) process.kill(this.#init, 'SIGKILL')
    await this.#unshare.ended
    const groups = ['.', ...readdirSync(hierarchies)].map((hierarchy) => join(hierarchies, hierarchy, this.#group))
    for (let attempt = 0; attempt < 50 && groups.some(existsSync); attempt++) {
      for (const group of groups) removeGroups(group)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** The last steps are in the new namespaces; `$0` is the root. */
function bootScript(group: string): string {
  const isUnified = existsSync(join(hierarchies, 'cgroup.controllers'))
  const mounted = isUnified
    ? 'mount -t cgroup2 cgroup2 "$0/sys/fs/cgroup"'
    : `mount -t tmpfs tmpfs "$0/sys/fs/cgroup"
       mkdir "$0/sys/fs/cgroup/systemd" "$0/sys/fs/cgroup/unified"
       mount -t cgroup -o none,name=systemd cgroup "$0/sys/fs/cgroup/systemd"
       mount -t cgroup2 cgroup2 "$0/sys/fs/cgroup/unified"`
  const own = isUnified ? [hierarchies] : [join(hierarchies, 'systemd'), join(hierarchies, 'unified')]
  const inside = `
    mount --make-rprivate /
    mount --bind "$0" "$0"
    mount -t proc proc "$0/proc"
    mount -t sysfs -o ro sysfs "$0/sys"
    mount -t tmpfs tmpfs "$0/run"
    mount -t tmpfs tmpfs "$0/tmp"
    ${mounted}
    mount -t tmpfs tmpfs "$0/dev"
    for device in null zero full random urandom tty; do touch "$0/dev/$device"; mount --bind "/dev/$device" "$0/dev/$device"; done
    mkdir "$0/dev/pts" "$0/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$0/dev/pts"
    ln -s pts/ptmx "$0/dev/ptmx"
    touch "$0/dev/console"
    mount --bind "$0/var/log/console.log" "$0/dev/console"
    ln -s /proc/self/fd "$0/dev/fd"
    hostname web-1
    cd "$0"
    exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --system --unit=multi-user.target`
  const enter = own.map((one) => `mkdir -p ${one}/${group}; echo $$ > ${one}/${group}/cgroup.procs`).join('; ')
  const namespaces = '--mount --pid --uts --ipc --cgroup --fork --kill-child'
  return `${enter}; exec unshare ${namespaces} sh -euc '${inside}' "$0"`
}

/** The one child of unshare, which is the first process in there. */
async function childOf({ pid, said }: Running): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const children = existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() : ''
    const isUnshared = children !== '' && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'unshare'
    if (isUnshared) return Number(children.split(' ')[0])
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`no first process: ${said()}`)
}

function removeGroups(path: string): void {
  if (!existsSync(path)) return
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroups(join(path, entry.name))
  try {
    rmdirSync(path)
  } catch {
    // Its last process has not been waited for yet.
  }
}
