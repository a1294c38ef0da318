import { chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const checkout = join(import.meta.dirname, '../..')

export interface Content {
  /** On the machine. */
  path: string
  /** In the checkout; undefined: the executable. */
  from?: string | undefined
  mode: number
  /** The operator's to change: an upgrade and a removal leave it. */
  isConfig?: boolean | undefined
}

const doc = '/usr/share/doc/logcask'

/** What the packages put on a machine, beside the executable and the link. */
const plain: readonly (readonly [path: string, from: string])[] = [
  ['/usr/lib/systemd/system/logcask-agent.service', 'packaging/systemd/logcask-agent.service'],
  ['/usr/lib/systemd/system/logcask-server.service', 'packaging/systemd/logcask-server.service'],
  ['/usr/lib/systemd/system/logcask-farewell.service', 'packaging/systemd/logcask-farewell.service'],
  ['/usr/lib/sysusers.d/logcask.conf', 'packaging/systemd/logcask.sysusers'],
  [`${doc}/examples/after-delete.conf`, 'packaging/systemd/examples/after-delete.conf'],
  [`${doc}/examples/local-bucket.conf`, 'packaging/systemd/examples/local-bucket.conf'],
  [`${doc}/README.md`, 'README.md'],
  [`${doc}/copyright`, 'LICENSE'],
  [`${doc}/CHANGELOG.md`, 'CHANGELOG.md'],
  [`${doc}/agent.schema.json`, 'docs/agent.schema.json'],
  [`${doc}/install.md`, 'docs/install.md'],
  [`${doc}/farewell.md`, 'docs/farewell.md'],
  [`${doc}/server.md`, 'docs/server.md'],
  [`${doc}/transport.md`, 'docs/transport.md'],
]

const config: readonly (readonly [path: string, from: string])[] = [
  ['/etc/logcask/agent.yaml', 'packaging/system/agent.yaml'],
  ['/etc/logcask/server.yaml', 'packaging/system/server.yaml'],
  ['/etc/logrotate.d/logcask', 'packaging/system/logrotate'],
]

export const directories = ['/etc/logcask', '/etc/logcask/agent.d', doc, `${doc}/examples`] as const
export const executable = '/usr/bin/logcask'
/** `systemctl start logcask` is the agent. */
export const link = { path: '/usr/lib/systemd/system/logcask.service', to: 'logcask-agent.service' } as const

export const contents: readonly Content[] = [
  { path: executable, mode: 0o755 },
  ...plain.map(([path, from]) => ({ path, from, mode: 0o644 })),
  ...config.map(([path, from]) => ({ path, from, mode: 0o644, isConfig: true })),
]

/** Puts all of it below `root`, which is empty, as it is to be on the machine. */
export async function stage(root: string, program: string): Promise<void> {
  for (const directory of directories) await mkdir(join(root, directory), { recursive: true })
  for (const { path, from, mode } of contents) {
    const target = join(root, path)
    await mkdir(dirname(target), { recursive: true })
    await cp(from === undefined ? program : join(checkout, from), target)
    await chmod(target, mode)
  }
  await symlink(link.to, join(root, link.path))
}

/** A file of the packaging with what only the build knows: `@VERSION@` and the like. */
export async function filled(from: string, values: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(join(checkout, from), 'utf8')
  return text.replace(/@([A-Z]+)@/g, (whole, name: string) => values[name] ?? whole)
}

export async function writeFilled(
  target: string,
  from: string,
  values: Readonly<Record<string, string>>,
  mode: number,
): Promise<void> {
  await writeFile(target, await filled(from, values), { mode })
  await chmod(target, mode)
}

export async function version(): Promise<string> {
  return JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')).version
}
