import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { toolsDirectory } from '../../test/real/install.ts'
import { type Ended, hasProgram, programPath, run, succeed } from './programs.ts'

const module = 'helm.sh/helm/v3/cmd/helm@v3.18.4'
const kept = join(toolsDirectory, 'helm/bin')
export const chart = join(import.meta.dirname, '../helm/logcask')

/** Why there is no helm; undefined: there is, or it can be built. */
export const noHelm: string | undefined =
  hasProgram('helm') || existsSync(join(kept, 'helm')) || hasProgram('go') ? undefined : 'not run: neither helm nor go'

/** Where helm is; built once where it is not, which takes minutes. */
export async function helmPath(): Promise<string> {
  const found = programPath('helm')
  if (found !== undefined) return found
  if (!existsSync(join(kept, 'helm'))) {
    await mkdir(kept, { recursive: true })
    await succeed('nice', ['go', 'install', '-p', '1', module], {
      env: { ...process.env, GOBIN: kept },
      withinMs: 1_500_000,
    })
  }
  return join(kept, 'helm')
}

export async function helm(...args: string[]): Promise<Ended> {
  return run(await helmPath(), args, { cwd: join(import.meta.dirname, '../..') })
}

// biome-ignore lint/suspicious/noExplicitAny: whatever Kubernetes has
export type Manifest = Record<string, any>

/** What `helm template` makes of the chart with these values. */
export async function template(...args: string[]): Promise<Manifest[]> {
  const { code, stdout, stderr } = await helm('template', 'logcask', chart, '--kube-version', '1.30.0', ...args)
  if (code !== 0) throw new Error(stderr)
  return parseAllDocuments(stdout).flatMap((document) => {
    if ('errors' in document && document.errors.length > 0) throw document.errors[0]
    return document.toJS() ?? []
  })
}

export function only(manifests: readonly Manifest[], kind: string): Manifest {
  const [found, another] = manifests.filter((one) => one.kind === kind)
  if (found === undefined || another !== undefined) throw new Error(`not exactly one ${kind}`)
  return found
}
