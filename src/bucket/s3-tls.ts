import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { LogcaskError, messageOf } from '../base/errors.ts'
import type { S3Settings } from './s3-settings.ts'

/** A client certificate of ours, as far as messages need it. */
export interface ClientCertificate {
  file: string
  validFromMs: number
  validToMs: number
}

export interface TlsMaterial {
  /** Undefined: the public authorities, and no certificate of ours. */
  context: SecureContext | undefined
  certificate: ClientCertificate | undefined
}

/** The files of TLS of one destination, read again when they have changed. */
export interface TlsFiles {
  /** For the next connection. Never throws: files that cannot be used leave what was read before, and a warning. */
  current(): TlsMaterial
}

type Warn = (warning: LogcaskError) => void
type Settings = Pick<S3Settings, 'caFile' | 'certFile' | 'keyFile'>

/** Throws `invalid` for files that cannot be used now. */
export function openTlsFiles(settings: Settings, env: NodeJS.ProcessEnv, warn: Warn): TlsFiles {
  const { caFile, certFile, keyFile } = settings
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new LogcaskError('invalid', `${certFile ? 'cert' : 'key'}: is set without ${certFile ? 'key' : 'cert'}:`, {
      hint: 'set both cert: and key: (--cert, --key), or neither',
    })
  }
  const authority = caFile === undefined ? env.AWS_CA_BUNDLE || undefined : caFile
  const caSetting = caFile === undefined ? 'AWS_CA_BUNDLE' : 'ca'
  const paths = [authority, certFile, keyFile].filter((path) => path !== undefined)
  const read = (): TlsMaterial => {
    const ca = readPem(caSetting, authority)
    const cert = readPem('cert', certFile)
    const key = readPem('key', keyFile)
    if (ca === undefined && cert === undefined) return { context: undefined, certificate: undefined }
    try {
      const context = createSecureContext({ ca, cert, key })
      return { context, certificate: cert && certFile ? certificateOf(cert, certFile) : undefined }
    } catch (cause) {
      throw new LogcaskError('invalid', `ca:, cert: and key: (${paths.join(', ')}): ${messageOf(cause)}`, {
        hint: 'check that the key belongs to the certificate, has no passphrase, and that all are PEM',
        cause,
      })
    }
  }
  // Looked at before they are read: what changes in between is read once more.
  let stamp = stampOf(paths)
  let material = read()
  let complaint: string | undefined
  return {
    current() {
      const now = stampOf(paths)
      if (now === stamp) return material
      try {
        material = read()
        stamp = now
        complaint = undefined
      } catch (error) {
        // A renewal writes two files, one after the other: until they fit, the pair from before is the best there is.
        if (!(error instanceof LogcaskError)) throw error
        if (error.message !== complaint) {
          const message = `${error.message}: what was read from there before stays in use`
          warn(new LogcaskError('invalid', message, { ...(error.hint && { hint: error.hint }), cause: error }))
        }
        complaint = error.message
      }
      return material
    },
  }
}

/** The same text for the same files: also a replaced one of equal size, or a link that leads elsewhere now. */
function stampOf(paths: readonly string[]): string {
  return paths
    .map((path) => {
      try {
        const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
        return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
      } catch (error) {
        // Whatever it is, reading the file says it in full.
        return messageOf(error)
      }
    })
    .join('\n')
}

function certificateOf(pem: Buffer, file: string): ClientCertificate {
  const { validFrom, validTo } = new X509Certificate(pem)
  return { file, validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo) }
}

function readPem(setting: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new LogcaskError('invalid', `${setting}: cannot read ${path}: ${messageOf(cause)}`, {
      hint: `name a PEM file that this user may read in ${setting}`,
      cause,
    })
  }
  if (!bytes.includes('-----BEGIN ')) {
    throw new LogcaskError('invalid', `${setting}: ${path} is not in PEM form`, {
      hint: `convert it: openssl x509 -inform der -in ${path} -out ${path}.pem`,
    })
  }
  return bytes
}
