import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTempDirectory } from './temp-directory.ts'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

/** A certificate and its key, in PEM files. */
export interface Certificate {
  certFile: string
  keyFile: string
  cert: Buffer
  key: Buffer
}

/** An authority of our own, in a directory of its own. */
export interface Authority {
  certFile: string
  cert: Buffer
  /** For a server on 127.0.0.1, or a client that is called `name`. Negative days: it has run out already. */
  issue(name: string, days?: number): Promise<Certificate>
  remove(): Promise<void>
}

export async function makeAuthority(name: string): Promise<Authority> {
  const { path, remove } = await makeTempDirectory('tls')
  const file = (suffix: string): string => join(path, suffix)
  const newKey = (keyFile: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    keyFile,
  ]
  openssl('req', '-x509', ...newKey(file('ca.key')), '-out', file('ca.crt'), '-days', '2', '-subj', `/CN=${name}`)
  return {
    certFile: file('ca.crt'),
    cert: await readFile(file('ca.crt')),
    async issue(subject, days = 2) {
      const [certFile, keyFile, request, extensions] = ['crt', 'key', 'csr', 'ext'].map((kind) =>
        file(`${subject}.${kind}`),
      ) as [string, string, string, string]
      await writeFile(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
      openssl('req', '-new', ...newKey(keyFile), '-out', request, '-subj', `/CN=${subject}`)
      const from = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', extensions]
      openssl('x509', '-req', '-in', request, '-out', certFile, '-days', String(days), ...from)
      return { certFile, keyFile, cert: await readFile(certFile), key: await readFile(keyFile) }
    },
    remove,
  }
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
}
