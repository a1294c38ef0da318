import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const checkout = join(import.meta.dirname, '../..')

interface Locked {
  version: string
  integrity?: string
  license?: string
  dev?: boolean
}

/**
 * What the executables and packages are made of, by the lock file, as CycloneDX 1.5: each dependency, however deep, and
 * the Node that goes along. Pure: the same lock file and instant give the same text. (`npm sbom --omit=dev` of npm 11.19
 * leaves out a dependency of ours that a development tool may use as well: yaml.)
 */
export function sbomOf(lock: { version: string; packages: Readonly<Record<string, Locked>> }, builtAt: number): string {
  const component = {
    type: 'application',
    'bom-ref': `logcask@${lock.version}`,
    name: 'logcask',
    version: lock.version,
    purl: `pkg:npm/logcask@${lock.version}`,
    licenses: [{ license: { id: 'MIT' } }],
  }
  const components = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, locked]) =>
      componentOf(path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length), locked),
    )
  const metadata = { timestamp: new Date(builtAt * 1000).toISOString(), component }
  const content = { version: 1, metadata, components }
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(content))}`
  const head = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
  }
  return `${JSON.stringify({ ...head, serialNumber, ...content }, null, 2)}\n`
}

export async function sbom(builtAt: number): Promise<string> {
  return sbomOf(JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8')), builtAt)
}

function componentOf(name: string, { version, integrity, license }: Locked) {
  const [algorithm, digest = ''] = integrity?.split('-') ?? []
  return {
    type: 'library',
    'bom-ref': `${name}@${version}`,
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(algorithm === 'sha512' && {
      hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }],
    }),
    // An expression holds for a single identifier as well.
    ...(license && { licenses: [{ expression: license }] }),
  }
}

/** Of the kind that is made of a hash (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
