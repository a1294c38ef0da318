import { timingSafeEqual } from 'node:crypto'
import { matchesGlob } from '../base/glob.ts'
import { sha256 } from '../base/hash.ts'
import { isLoopbackName } from '../base/listen-address.ts'

/** Who may read which hosts. Without tokens and clients everybody may: then the server listens on this machine only. */
export interface AccessRules {
  readonly tokens: readonly { name: string; sha256: string; hosts: readonly string[] }[]
  /** By the common name of a certificate that the configured authority signed. */
  readonly clients: readonly { subject: string; hosts: readonly string[] }[]
}

export interface Reader {
  /** For the log: a token's or a certificate's name. */
  name: string
  /** Globs. */
  hosts: readonly string[]
}

/** What a connection and its request say about who asks. */
export interface Credentials {
  authorization?: string | undefined
  /** The Host header; undefined where it does not count: on a unix socket. */
  host?: string | undefined
  /** Common name of a client certificate that was verified. */
  subject?: string | undefined
}

export type Admission =
  | { kind: 'reader'; reader: Reader }
  | { kind: 'refused'; status: 401 | 421; why: string; who?: string }

const anybody: Reader = { name: 'anybody', hosts: ['*'] }

/** A token that is given counts, also beside a certificate: a wrong one is refused, not passed over. Pure. */
export function admit(rules: AccessRules, { authorization, host, subject }: Credentials): Admission {
  if (rules.tokens.length === 0 && rules.clients.length === 0) {
    // Else a page from elsewhere, its name pointed at this address (DNS rebinding), could read through a browser here.
    if (host === undefined || isLoopbackName(host)) return { kind: 'reader', reader: anybody }
    return { kind: 'refused', status: 421, why: 'without tokens only names of this machine are answered' }
  }
  if (authorization !== undefined) {
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
    const found = token === undefined ? undefined : findToken(rules.tokens, token)
    if (found !== undefined) return { kind: 'reader', reader: found }
    return { kind: 'refused', status: 401, why: token === undefined ? 'no bearer token' : 'unknown token' }
  }
  if (subject === undefined) return { kind: 'refused', status: 401, why: 'no token and no client certificate' }
  const client = rules.clients.find((one) => one.subject === subject)
  if (client !== undefined) return { kind: 'reader', reader: { name: subject, hosts: client.hosts } }
  return { kind: 'refused', status: 401, why: 'unknown client certificate', who: subject }
}

/** Compares with every token, each in constant time: how long it takes says nothing of any. */
function findToken(tokens: AccessRules['tokens'], token: string): Reader | undefined {
  const given = Buffer.from(sha256(Buffer.from(token)), 'hex')
  let found: Reader | undefined
  for (const { name, sha256, hosts } of tokens) {
    if (timingSafeEqual(given, Buffer.from(sha256, 'hex'))) found = { name, hosts }
  }
  return found
}

export function mayRead({ hosts }: Reader, host: string): boolean {
  return hosts.some((glob) => matchesGlob(glob, host))
}
