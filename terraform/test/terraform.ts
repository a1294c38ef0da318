import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ended } from '../../packaging/run.ts'
import type { Kind } from './provider/extract.ts'
import { serveProvider } from './provider/serve.ts'

export const terraformDirectory = join(import.meta.dirname, '..')

/** A net for what hangs. */
const withinMs = 300_000

/** Terraform on a copy of the modules and examples, so that nothing of its own is left in them. */
export interface Terraform {
  /** Of `modules` and `examples`. */
  directory: string
  run(room: string, ...args: string[]): Promise<string>
  close(): void
}

/** Rejects where there is no terraform on this machine. `more`: HCL whose types of resources are wanted as well. */
export async function openTerraform(more: readonly string[] = []): Promise<Terraform> {
  const directory = mkdtempSync(join(tmpdir(), 'logcask-tf-'))
  for (const part of ['modules', 'examples', 'test/fixtures']) {
    cpSync(join(terraformDirectory, part), join(directory, basename(part)), {
      recursive: true,
      filter: (path) => !/\/\.terraform|terraform\.tfstate/.test(path),
    })
  }
  const provider = await serveProvider(typesIn(directory, more))
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    TMPDIR: process.env.TMPDIR ?? tmpdir(),
    TF_IN_AUTOMATION: 'true',
    CHECKPOINT_DISABLE: 'true',
    ...provider.environment,
  }
  return {
    directory,
    async run(room, ...args) {
      const { code, stdout, stderr } = await ended('terraform', args, { cwd: join(directory, room), env, withinMs })
      if (code !== 0) throw new Error(`terraform ${args.join(' ')} in ${room}: status ${code}\n${stderr}${stdout}`)
      return stdout
    },
    close() {
      provider.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Every directory below `room` that holds HCL. */
export function roomsIn(directory: string, room: string): string[] {
  return readdirSync(join(directory, room), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${room}/${name}`)
    .sort()
}

export function hclFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(tf|tftest\.hcl)$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(directory, name))
    .sort()
}

function typesIn(directory: string, more: readonly string[]): Map<Kind, Set<string>> {
  const types = new Map<Kind, Set<string>>([
    ['resource', new Set()],
    ['data', new Set()],
  ])
  for (const text of [...hclFiles(directory).map((file) => readFileSync(file, 'utf8')), ...more]) {
    for (const [, kind = '', type = ''] of text.matchAll(/^(resource|data) "(aws_\w+)"/gm)) {
      types.get(kind as Kind)?.add(type)
    }
  }
  return types
}
